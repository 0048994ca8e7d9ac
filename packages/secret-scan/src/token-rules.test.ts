// Every rule finds what it describes: in a sentence, in code, in JSON, and in base64.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { SecretScanner } from "./json-scanner.ts";
import { tokenRules, type TokenRule } from "./token-rules.ts";

const rules = tokenRules();

function sampleOf({ pattern, accepts, anchors }: TokenRule, seed: number): string {
  const source = pattern.source.replaceAll(/\(\?[!<]!?\[[^\]]*\]\)/g, "");
  for (let attempt = 0; attempt < 300; attempt++) {
    const [token] = fc.sample(fc.stringMatching(new RegExp(`^${source}$`), { maxLength: 300, size: "max" }), {
      numRuns: 1,
      seed: seed + attempt,
    });
    if (token === undefined || accepts?.(token) === false) continue;
    if (anchors.some((anchor) => token.includes(anchor))) return token;
  }
  throw new Error(`no sample of ${source}`);
}

describe.each(rules.map((rule, index) => [rule.kind, rule.anchors[0] ?? "", rule, index] as const))(
  "%s %s",
  (_kind, _anchor, rule, index) => {
    const scanner = new SecretScanner();
    const token = sampleOf(rule, 1000 * index);

    it.each([
      ["a sentence", `The value is ${token} and so on.`],
      ["an assignment", `export VALUE="${token}"\n`],
      ["escaped JSON", `{\\"a\\":\\"x\\n${token}\\"}`],
    ])("is found in %s", (_place, text) => {
      expect(scanner.find(text).length).toBeGreaterThan(0);
      expect(scanner.redactText(text)).not.toContain(token);
    });

    it.each([0, 1, 2])("is found in base64, %i bytes in", (shift) => {
      const encoded = Buffer.from(`${" ".repeat(shift)}${token} `).toString("base64");
      expect(Buffer.from(scanner.redactText(encoded), "base64").toString()).not.toContain(token);
    });
  },
);
