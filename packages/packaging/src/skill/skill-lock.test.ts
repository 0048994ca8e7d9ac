// The lock file says what was put into it, keeps what others wrote, and never leads out of the project.
import { digestOf } from "@pratique/core";
import fc from "fast-check";
import { expect, it } from "vitest";
import {
  encodeSkillFile,
  parseSkillLock,
  parseSkillsFile,
  withLockedSkill,
  withoutSkill,
  withWantedSkill,
} from "./skill-lock.ts";

const NOW = new Date("2026-04-02T08:11:09.123Z");
const name = fc.stringMatching(/^[a-z][a-z0-9-]{0,20}$/);
const locked = name.map((one) => ({
  name: one,
  path: `.agents/skills/${one}`,
  source: { registry: "ghcr.io", repository: `me/${one}`, tag: "1", digest: digestOf(one), ref: `ghcr.io/me/${one}:1` },
}));

it("gives back what was put in, once a place, in a stable order", () => {
  fc.assert(
    fc.property(fc.array(locked, { maxLength: 10 }), (skills) => {
      const put = (order: typeof skills) =>
        order.reduce<ReturnType<typeof parseSkillLock> | undefined>(
          (lock, skill) => withLockedSkill(lock, skill, NOW),
          undefined,
        );
      const lock = put(skills);
      if (lock === undefined) return;
      const read = parseSkillLock(encodeSkillFile(lock));
      expect(read).toEqual(lock);
      expect(read.generatedAt).toBe("2026-04-02T08:11:09Z");
      expect(new Set(read.skills.map(({ path }) => path)).size).toBe(read.skills.length);
      expect(encodeSkillFile(put(skills.toReversed())!)).toBe(encodeSkillFile(lock));
    }),
  );
});

it("keeps keys that it does not know", () => {
  const file = parseSkillsFile('{"skills":[{"name":"a","source":"x/a","note":"mine"}],"team":"harbour"}');
  const more = withWantedSkill(file, { name: "b", source: "x/b" });
  expect(JSON.parse(encodeSkillFile(more))).toEqual({
    skills: [
      { name: "a", source: "x/a", note: "mine" },
      { name: "b", source: "x/b" },
    ],
    team: "harbour",
  });
  expect(withoutSkill(more, "a").skills).toHaveLength(1);
});

it.each(["/etc/notes", "../notes", "a/../../notes", ".agents/skills/other"])("refuses the place %s", (path) => {
  const skill = { name: "notes", path, source: { registry: "r", repository: "n", digest: digestOf("n"), ref: "r/n" } };
  const text = JSON.stringify({ lockfileVersion: 1, generatedAt: "now", skills: [skill] });
  expect(() => parseSkillLock(text)).toThrow(/no place for notes/);
});
