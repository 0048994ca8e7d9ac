// What loadPolicySet takes, what it refuses, and what it says then.
import { isPratiqueError, type PratiqueError } from "@pratique/core";
import { describe, expect, it } from "vitest";
import { MAX_NESTING, MAX_OPERATORS, MAX_POLICIES } from "./limits.ts";
import { loadPolicySet } from "./policy-set.ts";

const schema = `namespace Pratique {
  entity Group;
  entity User in [Group] = { name: String, owner: Bool };
  entity System;
  entity AuditLog;
  action "admin:*";
  action "admin:read", "admin:write" in ["admin:*"] appliesTo {
    principal: [User], resource: [System], context: { approved?: Bool }
  };
  action "audit:read" appliesTo { principal: [User], resource: [AuditLog], context: {} };
}`;

const permit = (id: string, condition = "principal.owner"): string =>
  `@id("${id}")\npermit (principal is Pratique::User, action, resource)\nwhen { ${condition} };\n`;

function refusal(files: Record<string, string>, text = schema): PratiqueError {
  try {
    loadPolicySet({ schema: text, files });
  } catch (error) {
    if (isPratiqueError(error)) return error;
    throw error;
  }
  throw new Error("it was accepted");
}

describe("a policy that is wrong", () => {
  it("is placed by file, line and column, with what was probably meant", () => {
    const error = refusal({
      "a.cedar": permit("fine"),
      "b.cedar": `// Überschrift\n\n${permit("typo", "principal.ownr")}`,
    });
    expect(error).toMatchObject({
      code: "policy.invalid",
      message: "b.cedar:5:8: for policy `typo`, attribute `ownr` on entity type `Pratique::User` not found",
      hint: "did you mean `owner`?",
      details: [{ file: "b.cedar", line: 5, column: 8, policy: "typo" }],
    });
  });

  it("counts columns in characters, not in bytes", () => {
    const error = refusal({ "a.cedar": permit("a", '"äöü€𝄞" == principal.nmae') });
    expect(error.message).toMatch(/^a\.cedar:3:20: .*nmae/);
  });

  it("counts lines the same with CRLF", () => {
    const text = `${permit("a")}${permit("b", "principal.ownr")}`;
    expect(refusal({ "a.cedar": text.replaceAll("\n", "\r\n") }).message).toBe(refusal({ "a.cedar": text }).message);
  });

  it("is placed where it stops to parse, with what was expected", () => {
    const error = refusal({ "a.cedar": `${permit("a")}permit (principal, action resource);` });
    expect(error.code).toBe("policy.invalid");
    expect(error.message).toMatch(/^a\.cedar:4:27: unexpected token `resource`; expected /);
  });

  it("tells all mistakes in the details", () => {
    const error = refusal({ "a.cedar": permit("a", "principal.x"), "b.cedar": permit("b", "principal.y") });
    expect(error.details).toMatchObject([{ file: "a.cedar" }, { file: "b.cedar" }]);
  });

  it("is refused when it can never apply", () => {
    const text = `@id("never") forbid (principal is Pratique::User, action == Pratique::Action::"audit:read", resource is Pratique::System);`;
    expect(refusal({ "a.cedar": text }).code).toBe("policy.invalid");
  });

  it.each([
    ["no @id", "permit (principal, action, resource);", "has no @id"],
    ["an @id that is no id", permit("a b"), "is not allowed"],
    ["an @id twice", permit("a") + permit("a"), "the @id a is taken by a.cedar:1"],
    ["a template", '@id("t") permit (principal == ?principal, action, resource);', "includes a template"],
    ["no semicolon", '@id("a") permit (principal, action, resource)', "unexpected end of input"],
  ])("is refused with %s", (_, text, message) => {
    const error = refusal({ "a.cedar": text });
    expect(error.code).toBe("policy.invalid");
    expect(error.message).toContain(message);
  });

  it("refuses an @id that another file has", () => {
    const error = refusal({ "a.cedar": permit("same"), "b.cedar": permit("same") });
    expect(error.message).toBe("b.cedar:1:1: the @id same is taken by a.cedar:1");
  });
});

describe("a schema that is wrong", () => {
  it("is placed, too", () => {
    const error = refusal({}, "namespace Pratique {\n  entity User = { name: Strin };\n  entity ;\n}");
    expect(error).toMatchObject({ code: "policy.invalid" });
    expect(error.message).toMatch(/^pratique\.cedarschema:3:10: /);
  });

  it("must be ours", () => {
    expect(refusal({}, "namespace Other { entity User; }").message).toContain("no namespace Pratique");
  });
});

describe("what is too large", () => {
  // The engine would overflow its stack on these, and answer nothing from then on.
  it.each([
    ["nested parentheses", permit("a", `${"(".repeat(600)}true${")".repeat(600)}`)],
    ["nested sets", permit("a", `${"[".repeat(600)}${"]".repeat(600)} == []`)],
    ["a long chain", permit("a", `true${" && principal.owner".repeat(400)}`)],
    ["a long path", permit("a", `principal${".a".repeat(500)}`)],
    ["many negations", permit("a", `${"!".repeat(600)}true`)],
    ["nesting after what only looks like a comment", permit("a", `// x\r${"(".repeat(600)}true${")".repeat(600)}`)],
    ["nesting after brackets closed too often", permit("a", `${")".repeat(600)}${"(".repeat(600)}`)],
    ["one long policy", permit("a", `principal.name == "${"x".repeat(20_000)}"`)],
    ["a long file", `// ${"x".repeat(300_000)}`],
  ])("is refused before the engine sees it: %s", (_, text) => {
    expect(refusal({ "a.cedar": text }).code).toBe("policy.too-large");
    expect(loadPolicySet({ schema, files: { "a.cedar": permit("a") } }).policies).toHaveLength(1);
  });

  it("is refused: a deep schema, many policies, many files", () => {
    const deep = `namespace Pratique { entity A = { a: ${"Set<".repeat(100)}Long${">".repeat(100)} }; }`;
    expect(refusal({}, deep).code).toBe("policy.too-large");
    const many = Array.from(
      { length: MAX_POLICIES + 1 },
      (_, at) => `@id("p${at}") permit(principal, action, resource);`,
    );
    expect(refusal({ "a.cedar": many.join("\n") }).code).toBe("policy.too-large");
    const files = Object.fromEntries(Array.from({ length: 501 }, (_, at) => [`${at}.cedar`, ""]));
    expect(refusal(files).code).toBe("policy.too-large");
  });

  it("is not what stands at the bounds", () => {
    const nested = `${"(".repeat(MAX_NESTING - 1)}true${" && principal.owner".repeat(MAX_OPERATORS / 2)}${")".repeat(MAX_NESTING - 1)}`;
    expect(loadPolicySet({ schema, files: { "a.cedar": permit("a", nested) } }).policies).toHaveLength(1);
  });
});

describe("the digest", () => {
  const digest = (files: Record<string, string>, text = schema): string =>
    loadPolicySet({ schema: text, files }).digest;
  const [a, b] = [permit("a"), permit("b")];

  it("is the same wherever the policies stand and whatever is around them", () => {
    expect(digest({ "x.cedar": `// one\n${a}\n\n${b}` })).toBe(
      digest({ "1.cedar": b, "2.cedar": a.replaceAll("\n", "\r\n") }),
    );
  });

  it("changes with a policy, an annotation, the schema", () => {
    const all = [
      digest({ "a.cedar": a }),
      digest({ "a.cedar": permit("a", "!principal.owner") }),
      digest({ "a.cedar": `@reason("r") ${a}` }),
      digest({ "a.cedar": a }, schema.replace("entity System;", "entity System = { name?: String };")),
    ];
    expect(new Set(all).size).toBe(4);
  });
});

it("lists policies with effect, place and scope", () => {
  const text = `${permit("one")}
@id("two") @reason("why") @remedy("what")
forbid (principal, action in [Pratique::Action::"admin:*"], resource is Pratique::System) when { !principal.owner };`;
  expect(loadPolicySet({ schema, files: { "a.cedar": text } }).policies).toMatchObject([
    {
      id: "one",
      effect: "permit",
      file: "a.cedar",
      line: 1,
      actions: "any",
      resourceTypes: "any",
      principalTypes: ["User"],
    },
    {
      id: "two",
      effect: "forbid",
      reason: "why",
      remedy: "what",
      line: 5,
      actions: ["admin:*", "admin:read", "admin:write"],
      resourceTypes: ["System"],
      principalTypes: "any",
    },
  ]);
});
