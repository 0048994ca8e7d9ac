// Values in the places of an entry.
import { ServerEntry } from "@pratique/contracts";
import { describe, expect, it } from "vitest";
import { fillEntry } from "./fill-entry.ts";

const entry = (more: object): ServerEntry => ServerEntry.parse({ name: "x", network: { hosts: [] }, ...more });
const folders = {
  image: { reference: "x", command: ["--ro", "{{folders}}", "--name={{name}}", "{{a.b}}"] },
  volumes: ["{{folders}}:{{folders}}:ro"],
  env: { NAME: "is {{name}}", LIST: "{{folders}}", GONE: "{{other}}" },
  config: {
    type: "object",
    properties: {
      folders: { type: "array", items: { type: "string" }, minItems: 1 },
      name: { type: "string", default: "me" },
      a: { type: "object", properties: { b: { type: "integer" } } },
    },
    required: ["folders"],
  },
};

describe("an entry", () => {
  it("takes lists as so many elements, defaults, and paths into objects; what has no value is left out", async () => {
    const filled = await fillEntry(entry(folders), { folders: ["/a", "/b"], a: { b: 3 } });
    expect(filled).toMatchObject({
      command: ["--ro", "/a", "/b", "--name=me", "3"],
      volumes: ["/a:/a:ro", "/b:/b:ro"],
      env: { NAME: "is me", LIST: "/a,/b" },
    });
    expect(filled.env).not.toHaveProperty("GONE");
    expect((await fillEntry(entry(folders), { folders: ["/a"] })).command).toEqual(["--ro", "/a", "--name=me"]);
  });

  it.each([
    ["without a value that it needs", {}],
    ["with one of another type", { folders: "/a" }],
    ["with too few", { folders: [] }],
  ])("is not filled %s", async (_, values) => {
    await expect(fillEntry(entry(folders), values)).rejects.toMatchObject({ code: "catalog.values-invalid" });
  });

  it("knows Docker's anyOf of required groups", async () => {
    const config = { type: "object", properties: { a: {}, b: {} }, anyOf: [{ required: ["a"] }, { required: ["b"] }] };
    const one = entry({ config, env: { B: "{{b}}" }, image: { reference: "x" } });
    expect((await fillEntry(one, { b: 1 })).env).toEqual({ B: "1" });
    await expect(fillEntry(one, { c: 1 })).rejects.toMatchObject({ code: "catalog.values-invalid" });
  });

  it("fetches no schema from elsewhere", async () => {
    const config = { $ref: "http://127.0.0.1:9/schema.json" };
    await expect(fillEntry(entry({ config }), {})).rejects.toMatchObject({ code: "catalog.values-invalid" });
  });

  it("does not reach into what values inherit", async () => {
    const one = entry({ env: { A: "{{constructor}}", B: "{{__proto__.x}}", C: "{{toString}}" } });
    expect((await fillEntry(one, {})).env).toEqual({});
  });

  it("of a remote server needs every place of its address", async () => {
    const remote = entry({ remote: { url: "https://{{tenant}}.example.com/mcp", headers: { "x-a": "{{a}}" } } });
    expect(await fillEntry(remote, { tenant: "acme" })).toMatchObject({
      url: "https://acme.example.com/mcp",
      headers: {},
    });
    await expect(fillEntry(remote, {})).rejects.toMatchObject({ code: "catalog.values-invalid" });
  });
});
