// skills.json and skills.lock.json: which skills a project wants, and which exactly it has (agentskills OCI, lockfileVersion 1).
import { isDigest, parseDigest, parseJson } from "@pratique/core";
import { z } from "zod";
import { packagingErrors } from "../errors.ts";

const Wanted = z.looseObject({
  name: z.string().min(1).max(64),
  /** Repository with its registry, without tag or digest. */
  source: z.string().min(1).max(512),
  version: z.string().max(128).optional(),
});
const SkillsFile = z.looseObject({ skills: z.array(Wanted).max(10_000) });

const Locked = z.looseObject({
  name: z.string().min(1).max(64),
  path: z.string().min(1).max(1024),
  source: z.looseObject({
    registry: z.string().max(255),
    repository: z.string().max(255),
    tag: z.string().max(128).optional(),
    digest: z.string().refine(isDigest, "is no digest"),
    ref: z.string().max(1024),
  }),
  installedAt: z.string().max(40).optional(),
});
const LockFile = z.looseObject({
  lockfileVersion: z.literal(1),
  generatedAt: z.string().max(40),
  skills: z.array(Locked).max(10_000),
});

export type WantedSkill = z.infer<typeof Wanted>;
export type SkillsFile = z.infer<typeof SkillsFile>;
export type LockedSkill = z.infer<typeof Locked>;
export type SkillLockFile = z.infer<typeof LockFile>;

/** @throws `skill.lock-invalid` */
export function parseSkillsFile(text: string): SkillsFile {
  return parse(SkillsFile, text, "skills.json");
}

/** @throws `skill.lock-invalid` */
export function parseSkillLock(text: string): SkillLockFile {
  const lock = parse(LockFile, text, "skills.lock.json");
  for (const { path, name } of lock.skills) {
    // It is written to: a lock from a stranger's repository must not lead out of the project.
    if (path.startsWith("/") || path.split("/").includes("..") || !path.endsWith(`/${name}`)) {
      throw packagingErrors("skill.lock-invalid", {
        file: "skills.lock.json",
        reason: `\`${path.slice(0, 100)}\` is no place for ${name}`,
      });
    }
  }
  return lock;
}

function parse<T>(schema: z.ZodType<T>, text: string, file: string): T {
  const result = schema.safeParse(parseJson(text, file));
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  const reason = `${issue?.path.map(String).join(".") ?? ""}: ${issue?.message ?? "wrong shape"}`;
  throw packagingErrors("skill.lock-invalid", { file, reason });
}

/** The file with a skill put in or replaced; what else it says is kept. */
export function withWantedSkill(file: SkillsFile, skill: WantedSkill): SkillsFile {
  return { ...file, skills: [...file.skills.filter(({ name }) => name !== skill.name), skill].toSorted(byName) };
}

/** A skill may be installed in several places: each is an entry of its own. */
export function withLockedSkill(lock: SkillLockFile | undefined, skill: LockedSkill, now: Date): SkillLockFile {
  parseDigest(skill.source.digest);
  const others = (lock?.skills ?? []).filter(({ path }) => path !== skill.path);
  return { ...lock, lockfileVersion: 1, generatedAt: seconds(now), skills: [...others, skill].toSorted(byName) };
}

export function withoutSkill<F extends SkillsFile | SkillLockFile>(file: F, name: string): F {
  return { ...file, skills: file.skills.filter((skill) => skill.name !== name) };
}

/** As both files are written: two spaces, a newline at the end. */
export function encodeSkillFile(file: SkillsFile | SkillLockFile): string {
  return `${JSON.stringify(file, null, 2)}\n`;
}

/** RFC 3339 without fractions of a second. */
export function seconds(date: Date): string {
  return date.toISOString().replace(/\.\d{3}Z$/, "Z");
}

function byName(a: { readonly name: string; readonly path?: unknown }, b: typeof a): number {
  const key = ({ name, path }: typeof a): string => `${name} ${String(path ?? "")}`;
  return key(a) < key(b) ? -1 : 1;
}
