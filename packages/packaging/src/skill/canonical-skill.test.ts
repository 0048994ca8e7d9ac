// A skill loses nothing on its way through any format and back.
import { digestOf, silentLog, systemClock } from "@pratique/core";
import { openContentStore, type ContentStore, type LocalRepository } from "@pratique/oci";
import fc from "fast-check";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stringify } from "yaml";
import { afterAll, beforeAll, expect, it } from "vitest";
import { sortEntries } from "../archive/tar-writer.ts";
import { publishPlan } from "../artifact-plan.ts";
import { canonicalSkillFile, readCanonicalSkill, type CanonicalSkill } from "./canonical-skill.ts";
import { writeSkill, type SkillFormat } from "./skill-formats.ts";

let directory: string;
let store: ContentStore;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "pratique-canonical-skill-"));
  store = await openContentStore(directory, { clock: systemClock, log: silentLog });
});
afterAll(async () => {
  await store.close();
  await rm(directory, { recursive: true, force: true });
});

const word = fc.stringMatching(/^[a-z][a-z0-9]{1,12}$/);
const text = fc.stringMatching(/^[A-Za-z][ -~]{0,60}[a-z.]$/);
const texts = fc.dictionary(word, text, { maxKeys: 3 });
const file = fc.record({
  path: fc.array(word, { minLength: 1, maxLength: 3 }).map((parts) => parts.join("/")),
  executable: fc.boolean(),
  bytes: fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
});

const skill: fc.Arbitrary<CanonicalSkill> = fc
  .record({
    name: word,
    version: fc.option(word, { nil: undefined }),
    description: text,
    license: fc.option(text, { nil: undefined }),
    compatibility: fc.option(text, { nil: undefined }),
    allowedTools: fc.array(word, { maxLength: 3 }),
    metadata: texts,
    files: fc.uniqueArray(file, { maxLength: 5, selector: ({ path }) => path.split("/")[0] }),
    annotations: fc.dictionary(
      word.map((key) => `com.example.${key}`),
      text,
      { maxKeys: 2 },
    ),
    requires: fc.option(text, { nil: undefined }),
  })
  .map(
    ({ name, version, description, license, compatibility, allowedTools, metadata, files, annotations, requires }) => {
      const main = `---\n${stringify({ name, description })}---\n\nDo it.\n`;
      const all = [{ path: "SKILL.md", executable: false, bytes: Buffer.from(main) }, ...files];
      return {
        kind: "skill",
        name,
        ...(version === undefined ? {} : { version }),
        description,
        files: sortEntries(all.map(canonicalSkillFile)),
        metadata: {
          ...(license === undefined ? {} : { license }),
          ...(compatibility === undefined ? {} : { compatibility }),
          allowedTools,
          metadata,
        },
        annotations,
        foreign: requires === undefined ? {} : { toolhive: { requires } },
      };
    },
  );

/** Everything but the way to the bytes, which the digest stands for. */
function plain({ files, ...rest }: CanonicalSkill): unknown {
  return { ...rest, files: files.map(({ path, role, mode, size, digest }) => ({ path, role, mode, size, digest })) };
}

async function through(repository: LocalRepository, one: CanonicalSkill, format: SkillFormat): Promise<CanonicalSkill> {
  const options = { repository, version: "9.9.9", buildType: "https://example.com/test" };
  const plan = await writeSkill(one, format, options);
  const { descriptor } = await publishPlan(plan, { repository, tag: "1", createdAt: undefined });
  const manifest = await repository.manifest(descriptor.digest);
  // Of an index, what its member says: both say the same.
  return readCanonicalSkill(repository, manifest!);
}

it.each<[SkillFormat, SkillFormat]>([
  ["agentskills", "toolhive"],
  ["toolhive", "agentskills"],
])("is the same after %s, and after %s behind it", async (first, second) => {
  await fc.assert(
    fc.asyncProperty(skill, async (one) => {
      const repository = store.repository(`test/${digestOf(JSON.stringify(plain(one))).slice(7, 27)}`);
      const once = await through(repository, one, first);
      expect(plain(once)).toEqual(plain(one));
      const twice = await through(repository, once, second);
      expect(plain(twice)).toEqual(plain(one));
      const back = await through(repository, twice, first);
      expect(plain(back)).toEqual(plain(one));
      for (const { open, digest } of back.files) {
        const chunks: Uint8Array[] = [];
        for await (const chunk of open()) chunks.push(chunk);
        expect(digestOf(Buffer.concat(chunks))).toBe(digest);
      }
    }),
    { numRuns: 40 },
  );
});
