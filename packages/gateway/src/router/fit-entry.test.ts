// What a server may say of its tools.
import { expect, it } from "vitest";
import type { JsonObject } from "@pratique/core";
import { fitEntry } from "./fit-entry.ts";
import { textScreen } from "./text-screen.ts";

const SECRET = `ghp_${"A1b2".repeat(9)}`;
const fit = (entry: JsonObject) => fitEntry(entry, textScreen, "s");
const tool = (more: JsonObject) => ({ name: "x", inputSchema: { type: "object" }, ...more });

it("takes secrets, control characters and the gateway's own words out of an entry", () => {
  const entry = tool({
    title: "a\u001b[31mred\u202e",
    description: `token ${SECRET}, two\nlines\u{e0041}`,
    inputSchema: { type: "object", properties: { a: { description: SECRET, pattern: "[^\u0000]" } } },
    _meta: { "dev.pratique/decision": 1, nested: { "Dev.Pratique/x": 2 }, [`dev.${"\u0000"}pratique/y`]: 3, kept: 4 },
  });
  const clean = fit(entry);
  expect(JSON.stringify(clean)).not.toMatch(/ghp_|pratique/i);
  expect(clean).toMatchObject({
    title: "a[31mred",
    description: expect.stringMatching(/^token «.*», two\nlines$/),
    inputSchema: { properties: { a: { pattern: "[^\u0000]" } } },
    _meta: { nested: {}, kept: 4 },
  });
});

it.each(["a\u0000b", "a\nb", "a\u202eb", SECRET, `a ${SECRET}`])("refuses an entry that is called %j", (name) => {
  expect(fit(tool({ name }))).toBeUndefined();
  expect(fit({ name: "fine", uri: `x://${name}` })).toBeUndefined();
  expect(fit({ name: "fine", uriTemplate: `x://${name}/{y}` })).toBeUndefined();
});

it("refuses an entry that is too large or nests too deep", () => {
  expect(fit(tool({ description: "x".repeat(100_000) }))).toBeUndefined();
  let deep: JsonObject = {};
  for (let level = 0; level < 5_000; level++) deep = { deep };
  expect(fit(tool({ deep }))).toBeUndefined();
});
