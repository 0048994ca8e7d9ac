// Skills: brought in from where they are found, looked at, converted, installed.
import { z } from "zod";

export const SkillImportRequest = z.strictObject({
  /** A directory or archive (absolute path), `git+https://…`, `https://host`, or a reference in the embedded registry. */
  source: z.string().min(1).max(2048),
  /** `repository[:tag]`; by default the skill's own name and version. */
  reference: z.string().optional(),
  /** Takes a skill that breaks rules of the specification, mends it and says what was mended. */
  lenient: z.boolean().default(false),
});
export type SkillImportRequest = z.input<typeof SkillImportRequest>;

export const SkillCheckResult = z.strictObject({
  source: z.string(),
  name: z.string(),
  description: z.string(),
  /** By the rules of the specification. */
  isValid: z.boolean(),
  /** Rules that it breaks, and what lenient reading makes of each. */
  warnings: z.array(z.string()),
  files: z.array(z.string()),
});
export type SkillCheckResult = z.infer<typeof SkillCheckResult>;

export const SkillImportResult = z.strictObject({
  source: z.string(),
  reference: z.string(),
  digest: z.string(),
  warnings: z.array(z.string()),
});
export type SkillImportResult = z.infer<typeof SkillImportResult>;

export const SkillConvertRequest = z.strictObject({
  reference: z.string().min(1),
  target: z.string().min(1),
  format: z.enum(["agentskills", "toolhive"]),
});
export type SkillConvertRequest = z.infer<typeof SkillConvertRequest>;

export const SkillVariantsRequest = z.strictObject({
  target: z.string().min(1),
  variants: z
    .array(z.strictObject({ platform: z.string(), reference: z.string() }))
    .min(1)
    .max(32),
});
export type SkillVariantsRequest = z.infer<typeof SkillVariantsRequest>;

export const SkillTarget = z.strictObject({ reference: z.string(), digest: z.string() });
export type SkillTarget = z.infer<typeof SkillTarget>;

/** Where skills are installed, and where what was installed is written down. */
export const SkillProject = z.strictObject({
  /** Absolute path that the places are relative to. */
  directory: z.string().min(1),
  /** Absolute path of the directory with skills.json and skills.lock.json. */
  files: z.string().min(1),
});
export type SkillProject = z.infer<typeof SkillProject>;

export const SkillInstallRequest = z.strictObject({
  references: z.array(z.string().min(1)).min(1).max(100),
  project: SkillProject,
  /** Directories that hold skills, relative to the project, e.g. `.claude/skills`. */
  places: z
    .array(z.string().regex(/^(?!\/)(?!.*(?:^|\/)\.\.(?:\/|$))[^\0]+$/))
    .min(1)
    .max(20),
  /** Takes the place of a skill of that name. */
  replace: z.boolean().default(false),
});
export type SkillInstallRequest = z.input<typeof SkillInstallRequest>;

export const SkillSyncRequest = z.strictObject({ project: SkillProject });
export type SkillSyncRequest = z.infer<typeof SkillSyncRequest>;

export const SkillRemoveRequest = z.strictObject({ project: SkillProject, name: z.string().min(1) });
export type SkillRemoveRequest = z.infer<typeof SkillRemoveRequest>;

export const InstalledSkills = z.strictObject({
  skills: z.array(z.strictObject({ name: z.string(), path: z.string(), reference: z.string(), digest: z.string() })),
});
export type InstalledSkills = z.infer<typeof InstalledSkills>;
