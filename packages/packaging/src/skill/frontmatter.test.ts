// The reference validator's rules, and any text at all.
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseSkill } from "./frontmatter.ts";

const skill = (frontmatter: string, directory = "notes") =>
  parseSkill(`---\n${frontmatter}\n---\n\n# Body\n`, directory);
const problemsOf = (frontmatter: string, directory?: string): string => {
  const result = skill(frontmatter, directory);
  return result.ok ? "" : result.problems.join(" | ");
};

describe("parseSkill", () => {
  it("reads a valid skill, every value as text", () => {
    const text =
      "name: notes\ndescription: Use it\nlicense: MIT\nallowed-tools: Read Bash(git:*)\nmetadata:\n  version: 1.0";
    expect(skill(text)).toEqual({
      ok: true,
      frontmatter: {
        name: "notes",
        description: "Use it",
        license: "MIT",
        allowedTools: "Read Bash(git:*)",
        metadata: { version: "1.0" },
      },
      body: "\n# Body\n",
    });
  });

  it("takes names in any alphabet, normalised", () => {
    expect(skill("name: мой-навык\ndescription: d", "мой-навык").ok).toBe(true);
    expect(skill("name: 技能\ndescription: d", "技能").ok).toBe(true);
  });

  it.each([
    ["description: d", "Missing required field in frontmatter: name"],
    ["name: notes", "Missing required field in frontmatter: description"],
    ["name: k8s:logs\ndescription: d", "contains invalid characters"],
    ["name: Notes\ndescription: d", "must be lowercase"],
    ["name: -notes\ndescription: d", "cannot start or end with a hyphen"],
    ["name: no--tes\ndescription: d", "consecutive hyphens"],
    ["name: other\ndescription: d", "Directory name 'notes' must match skill name 'other'"],
    ["name: notes\ndescription: d\nversion: 1", "Unexpected fields in frontmatter: version."],
    ["name: notes\ndescription: d\nallowed-tools: [a, b]", "flow style"],
    ["name: notes\nname: notes\ndescription: d", "Invalid YAML in frontmatter"],
    ["name: &a notes\ndescription: d", "anchors"],
    ["name: notes\ndescription: !x d", "Invalid YAML in frontmatter"],
    ["- a\n- b", "must be a YAML mapping"],
    [`name: notes\ndescription: ${"x".repeat(1025)}`, "exceeds 1024"],
    [`name: notes\ndescription: d\ncompatibility: ${"x".repeat(501)}`, "exceeds 500"],
  ])("refuses %j", (text, problem) => {
    expect(problemsOf(text)).toContain(problem);
  });

  it("counts characters, not UTF-16 units", () => {
    expect(problemsOf(`name: notes\ndescription: ${"𝒳".repeat(1024)}`)).toBe("");
  });

  it("names the frontmatter when it is missing or not closed", () => {
    expect(parseSkill("# Hi", "x")).toMatchObject({ problems: [expect.stringContaining("must start with")] });
    expect(parseSkill("---\nname: x", "x")).toMatchObject({
      problems: [expect.stringContaining("not properly closed")],
    });
  });

  it("answers to any text without throwing", () => {
    fc.assert(fc.property(fc.string({ unit: "binary" }), (text) => void parseSkill(`---${text}---`, "x")));
  });
});
