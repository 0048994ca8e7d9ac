// skills.json and skills.lock.json of a project: read, and replaced whole.
import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import {
  encodeSkillFile,
  parseSkillLock,
  parseSkillsFile,
  type SkillLockFile,
  type SkillsFile,
} from "@pratique/packaging";
import { writeFileDurably } from "@pratique/store";

export interface ProjectFiles {
  readonly wanted: SkillsFile;
  readonly lock: SkillLockFile | undefined;
}

/** @throws `skill.lock-invalid` */
export async function readProjectFiles(directory: string): Promise<ProjectFiles> {
  const [wanted, lock] = await Promise.all([
    textOf(join(directory, "skills.json")),
    textOf(join(directory, "skills.lock.json")),
  ]);
  return {
    wanted: wanted === undefined ? { skills: [] } : parseSkillsFile(wanted),
    lock: lock === undefined ? undefined : parseSkillLock(lock),
  };
}

export async function writeProjectFiles(directory: string, files: ProjectFiles): Promise<void> {
  await mkdir(directory, { recursive: true });
  // The lock last: it says what is there already.
  await writeFileDurably(join(directory, "skills.json"), encodeSkillFile(files.wanted));
  if (files.lock !== undefined)
    await writeFileDurably(join(directory, "skills.lock.json"), encodeSkillFile(files.lock));
}

async function textOf(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  }
}
