// A trusted root that cannot be used is told by its name, whatever is wrong with it.
import { expect, it } from "vitest";
import { PUBLIC_GOOD_ROOT } from "./public-good.ts";
import { readTrustRoot, ROOT_LIMIT_BYTES } from "./trust-root.ts";

const root = Buffer.from(PUBLIC_GOOD_ROOT).toString();

it.each([
  ["nothing", ""],
  ["half of a file", root.slice(0, root.length >> 1)],
  ["another document", "{}"],
  ["a certificate that is none", root.replaceAll(/"rawBytes":\s*"[^"]+"/g, '"rawBytes":"AAAA"')],
  ["keys without a beginning", root.replaceAll(/"start":\s*"[^"]+"/g, '"start":""')],
  ["more than any root", root + " ".repeat(ROOT_LIMIT_BYTES)],
])("refuses %s", (_what, text) => {
  expect(() => readTrustRoot("company", Buffer.from(text))).toThrow(
    expect.objectContaining({ code: "trust.invalid-root", message: expect.stringContaining("`company`") }),
  );
});

it("reads the public one", () => {
  expect(readTrustRoot("public", Buffer.from(root)).name).toBe("public");
});
