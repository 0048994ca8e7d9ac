// Declared licences as SPDX expressions, and the one answer for an artifact.
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { formatLicenceExpression, parseLicenceExpression } from "./licence-expression.ts";
import { licenceSummary } from "./licence-summary.ts";
import { LicenceNormaliser, normaliseLicence } from "./normalise-licence.ts";

const normal = (text: string): string | undefined => normaliseLicence(text)?.expression;

describe("normaliseLicence", () => {
  it.each([
    ["MIT", "MIT"],
    ["mit", "MIT"],
    ["Apache License, Version 2.0", "Apache-2.0"],
    ["License :: OSI Approved :: MIT License", "MIT"],
    ["Expat", "MIT"],
    // Which versions count was not said by the old ids, and is by the new.
    ["GPL-2.0", "GPL-2.0-only"],
    ["GPL-2.0+", "GPL-2.0-or-later"],
    ["GPL-2+", "GPL-2.0-or-later"],
    ["LGPLv2.1+", "LGPL-2.1-or-later"],
    ["MIT/Apache-2.0", "Apache-2.0 OR MIT"],
    ["MIT or Apache-2.0", "Apache-2.0 OR MIT"],
    ["GPLv2+ and MIT", "GPL-2.0-or-later AND MIT"],
    ["(MIT AND (ISC OR Zlib))", "(ISC OR Zlib) AND MIT"],
    ["GPL-2.0-only WITH Classpath-exception-2.0", "GPL-2.0-only WITH Classpath-exception-2.0"],
    ["LicenseRef-own", "LicenseRef-own"],
  ])("makes %s into %s", (declared, expression) => expect(normal(declared)).toBe(expression));

  it.each(["BSD", "GPL", "Apache", "See LICENSE.txt", "a and b", "constructor", "(((((MIT"])(
    "does not guess what %s means",
    (declared) => {
      const { expression, references } = normaliseLicence(declared)!;
      expect(expression).toMatch(/^LicenseRef-[A-Za-z0-9.-]+$/);
      expect([...references]).toEqual([[expression, declared]]);
    },
  );

  it("knows when nothing was declared", () => {
    for (const text of ["", "  ", "NOASSERTION", "NONE", "unknown"]) expect(normal(text)).toBeUndefined();
  });

  it("gives a valid expression for any text, and the same for that", () => {
    const word = fc.oneof(
      fc.string({ unit: "grapheme", maxLength: 12 }),
      fc.constantFrom("MIT", "GPL-2.0+", "and", "OR", "WITH", "(", ")", "/", "Classpath-exception-2.0"),
    );
    fc.assert(
      fc.property(fc.array(word, { maxLength: 8 }), (words) => {
        const expression = normal(words.join(" "));
        if (expression === undefined) return;
        const parsed = parseLicenceExpression(expression);
        expect(parsed).toBeDefined();
        expect(formatLicenceExpression(parsed!)).toBe(expression);
        expect(normal(expression)).toBe(expression);
      }),
    );
  });

  it("joins what one component declares several times", () => {
    const normaliser = new LicenceNormaliser();
    expect(normaliser.all(["MIT", "BSD-3-Clause OR ISC"])?.expression).toBe("(BSD-3-Clause OR ISC) AND MIT");
    expect(normaliser.all(["MIT", "mit"])?.expression).toBe("MIT");
  });

  it("refuses expressions that nobody writes", () => {
    expect(parseLicenceExpression(`${"(".repeat(2000)}MIT${")".repeat(2000)}`)).toBeUndefined();
    expect(parseLicenceExpression(Array.from({ length: 3000 }, () => "MIT").join(" AND "))).toBeUndefined();
  });
});

describe("licenceSummary", () => {
  it("counts what components have, and those that declare none", () => {
    const library = (...licences: string[]) => ({ type: "library", licences });
    expect(
      licenceSummary(
        ["Apache 2.0"],
        [library("MIT"), library("mit"), library("GPL-2+ and MIT"), library(), { type: "file" }],
      ),
    ).toEqual({
      declared: "Apache-2.0",
      expressions: [
        { expression: "MIT", components: 2 },
        { expression: "GPL-2.0-or-later AND MIT", components: 1 },
      ],
      ids: ["Apache-2.0", "GPL-2.0-or-later", "MIT"],
      undeclared: 1,
    });
  });
});
