import fc from "fast-check";
import { createHash } from "node:crypto";
import { expect, it } from "vitest";
import { Digester, digestOf, hexOf, isDigest, parseDigest } from "./digest.ts";

it("knows the digest of nothing", () => {
  expect(digestOf("")).toBe("sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
});

it.each([
  "",
  "sha256:",
  "sha256:ABC",
  `sha256:${"a".repeat(63)}`,
  `sha256:${"A".repeat(64)}`,
  `md5:${"a".repeat(32)}`,
  `sha512:${"a".repeat(64)}`,
])("refuses %j", (text) =>
  expect(() => parseDigest(text)).toThrow(expect.objectContaining({ code: "digest.invalid" })),
);

it("digests a stream as it digests the whole, however it is cut", () => {
  fc.assert(
    fc.property(
      fc.array(fc.uint8Array({ maxLength: 200 })),
      fc.constantFrom("sha256" as const, "sha512" as const),
      (chunks, algorithm) => {
        const digester = new Digester(algorithm);
        for (const chunk of chunks) digester.update(chunk);
        const whole = Buffer.concat(chunks);
        expect(digester.digest()).toBe(digestOf(whole, algorithm));
        expect(hexOf(digester.digest())).toBe(createHash(algorithm).update(whole).digest("hex"));
        expect(digester.sizeBytes).toBe(whole.length);
        expect(isDigest(digester.digest())).toBe(true);
      },
    ),
  );
});
