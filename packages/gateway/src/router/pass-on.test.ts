// What passes from a server to a client.
import { expect, it } from "vitest";
import type { JsonObject } from "@pratique/core";
import { passResult } from "./pass-on.ts";
import { isShallow } from "./passable.ts";
import { textScreen } from "./text-screen.ts";

const SECRET = `ghp_${"A1b2".repeat(9)}`;
const from = { server: "s", what: "w" };

function pass<T extends JsonObject>(answer: T): { readonly result: T; readonly redactions: readonly unknown[] } {
  const { result, notes } = passResult(answer, from, { screen: textScreen, resultLimitBytes: 2 ** 20 });
  const { resultRedactions = [] } = notes;
  return { result: result as T, redactions: Array.isArray(resultRedactions) ? resultRedactions : [] };
}

it("redacts text, structured content, embedded resources and metadata, and says what it took", () => {
  const { result, redactions } = pass({
    content: [{ type: "resource", resource: { uri: `x://${SECRET}`, text: SECRET } }],
    structuredContent: { data: SECRET, [SECRET]: 1 },
    _meta: { other: SECRET },
  });
  expect(JSON.stringify(result)).not.toContain(SECRET);
  expect(redactions).toHaveLength(5);
});

it("leaves images and blobs as they are", () => {
  const image = Buffer.from(Uint8Array.from({ length: 2_000 }, (_, index) => (index * 89) % 251)).toString("base64");
  const whole = {
    content: [
      { type: "image", data: image, mimeType: "image/png" },
      {
        type: "resource",
        resource: { uri: "x://y", blob: Buffer.from("just a text, of no interest").toString("base64") },
      },
    ],
  };
  expect(pass(whole).result).toEqual(whole);
});

it("looks at a blob as at any text: in its place, out of its place, and when it is no base64", () => {
  const whole = {
    content: [{ type: "image", data: SECRET, mimeType: "image/png" }],
    contents: [{ uri: "x://y", blob: SECRET }],
    structuredContent: { uri: "x", blob: SECRET, type: "audio", data: SECRET },
  };
  const { result, redactions } = pass(whole);
  expect(JSON.stringify(result)).not.toContain("ghp_");
  expect(redactions).toHaveLength(4);
});

it.each([
  ["text", Buffer.from(`é ${SECRET}`)],
  ["bytes", Buffer.concat([Buffer.from([0xff, 0xd8, 0x00]), Buffer.from(` ${SECRET} `), Buffer.from([0xfe])])],
])("takes a secret out of the base64 of %s, wherever it stands", (_kind, bytes) => {
  const encoded = bytes.toString("base64");
  const wrapped = encoded.replaceAll(/.{20}/g, "$&\n");
  const inText = `see ${encoded} and data:text/plain;base64,${bytes.toString("base64url")}`;
  const { result, redactions } = pass({ blob: encoded, wrapped, text: inText });
  expect(redactions).toHaveLength(4);
  expect(Buffer.from(result.blob, "base64").toString("latin1")).not.toContain("ghp_");
  expect(Buffer.from(result.blob, "base64").toString("latin1")).toContain("github-token");
  expect(JSON.stringify(result)).not.toContain(encoded);
});

it.each(["see ", "see:", "/x", "path/to/x", ""])("finds base64 that stands after %j", (before) => {
  const encoded = Buffer.from(SECRET).toString("base64");
  const { result, redactions } = pass({ text: `${before}${encoded} and so on` });
  expect(redactions).toHaveLength(1);
  expect(result.text).not.toContain(encoded.slice(8, 40));
  expect(result.text.startsWith(before)).toBe(true);
});

it("takes out of _meta what only the gateway may say, and nothing else", () => {
  const result = {
    _meta: { "dev.pratique/decision": 1, "other/key": 2, deep: [{ "DEV.pratique/decision": 4 }] },
    structuredContent: { "dev.pratique/decision": 3 },
  };
  expect(pass(result).result).toEqual({
    _meta: { "other/key": 2, deep: [{}] },
    structuredContent: { "dev.pratique/decision": 3 },
  });
});

it("refuses what is too large", () => {
  expect(() => pass({ text: "x".repeat(2 ** 20) })).toThrow(
    expect.objectContaining({ code: "gateway.result-too-large" }),
  );
});

it("knows how deep is too deep", () => {
  const nested = (depth: number): unknown => (depth === 0 ? "end" : [nested(depth - 1)]);
  expect(isShallow(nested(64))).toBe(true);
  expect(isShallow(nested(65))).toBe(false);
});
