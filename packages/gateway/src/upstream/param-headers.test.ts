// Arguments in headers: what a schema may ask for, and how values travel.
import fc from "fast-check";
import { expect, it } from "vitest";
import { headerValue, paramHeaders, paramHeaderValues } from "./param-headers.ts";

const schema = (properties: object) => JSON.parse(JSON.stringify({ type: "object", properties }));

it("finds annotated properties at any depth that only properties lead to", () => {
  const found = paramHeaders(
    schema({
      region: { type: "string", "x-mcp-header": "Region" },
      where: { type: "object", properties: { zone: { type: "integer", "x-mcp-header": "Zone" } } },
      other: { type: "string", default: { "x-mcp-header": "data" } },
    }),
  );
  expect(found).toEqual({
    valid: true,
    headers: [
      { header: "mcp-param-region", path: ["region"] },
      { header: "mcp-param-zone", path: ["where", "zone"] },
    ],
  });
});

it.each([
  ["an empty name", { a: { type: "string", "x-mcp-header": "" } }],
  ["a name with a line break", { a: { type: "string", "x-mcp-header": "A\r\nHost: evil" } }],
  ["a name that is no text", { a: { type: "string", "x-mcp-header": 1 } }],
  ["a number", { a: { type: "number", "x-mcp-header": "A" } }],
  ["an object", { a: { type: "object", "x-mcp-header": "A" } }],
  ["two of one name", { a: { type: "string", "x-mcp-header": "A" }, b: { type: "string", "x-mcp-header": "a" } }],
  ["items of a list", { a: { type: "array", items: { type: "string", "x-mcp-header": "A" } } }],
  ["an alternative", { a: { anyOf: [{ type: "string", "x-mcp-header": "A" }] } }],
  ["a property below a condition", { a: { else: { properties: { b: { type: "string", "x-mcp-header": "A" } } } } }],
])("refuses %s", (_what, properties) => {
  expect(paramHeaders(schema(properties))).toMatchObject({ valid: false });
});

it("refuses an annotation in a definition and at the root", () => {
  const inDefs = { type: "object", $defs: { a: { type: "string", "x-mcp-header": "A" } } };
  expect([paramHeaders(inDefs).valid, paramHeaders({ type: "string", "x-mcp-header": "A" }).valid]).toEqual([
    false,
    false,
  ]);
});

it("takes what stands at exactly that path, and nothing inherited", () => {
  const headers = [
    { header: "mcp-param-a", path: ["a"] },
    { header: "mcp-param-b", path: ["b", "c"] },
    { header: "mcp-param-d", path: ["constructor"] },
    { header: "mcp-param-n", path: ["n"] },
  ];
  expect(paramHeaderValues(headers, { a: true, b: { c: 42 }, n: null })).toEqual({
    "mcp-param-a": "true",
    "mcp-param-b": "42",
  });
});

it("writes any text so that it is read back, in characters that a header may have", () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.array(fc.integer({ max: 0xff_ff })).map((codes) => String.fromCharCode(...codes)),
        fc.string().map((text) => `=?base64?${text}?=`),
      ),
      (text) => {
        const value = headerValue(text);
        expect(value).toMatch(/^[\x20-\x7e\t]*$/);
        const encoded = /^=\?base64\?(.*)\?=$/s.exec(value)?.[1];
        expect(encoded === undefined ? value : Buffer.from(encoded, "base64").toString("utf8")).toBe(
          text.toWellFormed(),
        );
      },
    ),
  );
});

it.each([
  ["us-west1", "us-west1"],
  ["Hello, 世界", "=?base64?SGVsbG8sIOS4lueVjA==?="],
  [" padded ", "=?base64?IHBhZGRlZCA=?="],
  ["=?base64?literal?=", "=?base64?PT9iYXNlNjQ/bGl0ZXJhbD89?="],
])("writes %j as the specification does", (text, value) => {
  expect(headerValue(text)).toBe(value);
});

it("bears any schema", () => {
  fc.assert(
    fc.property(fc.json({ maxDepth: 8 }), (text) => {
      expect(paramHeaders(JSON.parse(text))).toHaveProperty("valid");
    }),
  );
});
