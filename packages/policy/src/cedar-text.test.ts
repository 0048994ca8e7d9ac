// The cutter must see what the engine sees: a bracket it takes for a comment would pass its bounds.
import { checkParsePolicySet, policySetTextToParts } from "@cedar-policy/cedar-wasm/nodejs";
import * as fc from "fast-check";
import { expect, it } from "vitest";
import { cutPolicies, fromByteOffset, nestingOf, placeOf } from "./cedar-text.ts";

const noise = fc.constantFrom(" ", "\n", "\r", "\r\n", '// ; } " (\n', "// it's \" ;\r", "//\u2028;\n", "\t");
const strings = fc
  .array(fc.constantFrom("a", ";", "//", '\\"', "\\\\", "(", "}", "\n", "é", "𝄞", "'"), { maxLength: 8 })
  .map((parts) => `"${parts.join("")}"`);
const policy = fc
  .tuple(strings, strings, noise, noise)
  .map(([a, b, x, y]) => `@reason(${a})${x}permit(principal,${y}action, resource) when { ${b} == ${x}${a} };`);
const files = fc.array(fc.tuple(noise, policy), { maxLength: 6 }).map((parts) => parts.flat().join(""));

it("cuts a file into the policies that the engine finds", () => {
  fc.assert(
    fc.property(files, (text) => {
      expect(checkParsePolicySet({ staticPolicies: text }).type).toBe("success");
      const parts = policySetTextToParts(text);
      const found = parts.type === "success" ? parts.policies : [];
      expect(cutPolicies(text).map((piece) => piece.text)).toEqual(found);
    }),
  );
});

it("measures nesting outside strings and comments only", () => {
  const [piece] = cutPolicies(`permit(principal, action, resource) when { [[ "((((" ]] == 1 // ((((\n};`);
  expect(piece).toMatchObject({ nesting: 3, operators: 2 });
  expect(nestingOf("entity A = { a: Set<Set<Long>> }; // {{{{{{")).toBe(3);
});

it("cuts any text whole: nothing but space and comments is lost", () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom('"', "\\", "/", ";", "(", "x", "\r", "\n", " ") }), (text) => {
      for (const { text: piece, start } of cutPolicies(text)) expect(text.startsWith(piece, start)).toBe(true);
    }),
  );
});

it("turns the engine's byte offsets into lines and columns", () => {
  const text = "é𝄞\nab€c";
  const at = fromByteOffset(text, Buffer.byteLength("é𝄞\nab€"));
  expect(text[at]).toBe("c");
  expect(placeOf(text, at)).toEqual({ line: 2, column: 4 });
});
