// Skills from where they are found: a directory, an archive, a git repository, a web site, an artifact of any shape.
import { readBounded } from "@pratique/core";
import type { Manifest, Repository } from "@pratique/oci";
import { open } from "node:fs/promises";
import { basename, resolve } from "node:path";
import { gunzipStream } from "../archive/gzip.ts";
import { readTar, type ArchiveEntry } from "../archive/tar-reader.ts";
import { readZip } from "../archive/zip-reader.ts";
import { packagingErrors } from "../errors.ts";
import { listFiles, readSmallFile } from "../source-files.ts";
import { belowSkillFile, hostPlatform, platformManifest, readSkillContent, type SkillFile } from "./skill-content.ts";
import { SKILL_LIMITS } from "./skill-media-types.ts";

/** The files of one skill as they were found. */
export interface FoundSkill {
  /** Where it came from, for records and messages. */
  readonly source: string;
  /** Name of the directory it lay in, where there was one. */
  readonly directory: string | undefined;
  readonly files: readonly SkillFile[];
}

export const SKILL_ARCHIVE_LIMITS = { maxEntries: 4 * SKILL_LIMITS.maxFiles, maxBytes: SKILL_LIMITS.maxBytes };

/** @throws `artifact.*`, `skill.not-found` */
export async function skillFromDirectory(directory: string): Promise<FoundSkill> {
  const files: SkillFile[] = [];
  for (const file of await listFiles(directory, SKILL_LIMITS)) {
    const bytes = await readSmallFile(file, SKILL_LIMITS.maxBytes);
    files.push({ path: file.path, executable: file.executable, bytes });
  }
  return found(directory, basename(resolve(directory)), files);
}

/** A zip, tar or tar.gz file. @throws `archive.*`, `skill.not-found` */
export async function skillFromArchive(path: string): Promise<FoundSkill> {
  const files: SkillFile[] = [];
  let left = SKILL_LIMITS.maxBytes;
  for await (const entry of await archiveEntries(path)) {
    if (entry.type !== "file") continue;
    const bytes = await readBounded(entry.body, left, "the skill");
    left -= bytes.length;
    files.push({ path: entry.path, executable: (entry.mode & 0o100) !== 0, bytes });
  }
  return found(path, undefined, files);
}

async function archiveEntries(path: string): Promise<AsyncIterable<ArchiveEntry>> {
  const file = await open(path, "r").catch((cause: unknown) => {
    throw packagingErrors("skill.not-found", { source: path }, { cause });
  });
  const magic = Buffer.alloc(2);
  await file.read(magic, 0, 2, 0);
  if (magic.toString("latin1") === "PK") {
    await file.close();
    return readZip(path, SKILL_ARCHIVE_LIMITS);
  }
  const bytes = file.createReadStream({ start: 0 });
  return readTar(magic[0] === 0x1f && magic[1] === 0x8b ? gunzipStream(bytes) : bytes, SKILL_ARCHIVE_LIMITS);
}

/** An artifact of any shape; of an index, the variant for this machine. @throws `skill.not-found`, `artifact.malformed` */
export async function skillFromArtifact(repository: Repository, manifest: Manifest): Promise<FoundSkill> {
  const source = `${repository.name}@${manifest.descriptor.digest}`;
  const variant = await platformManifest(repository, manifest, hostPlatform());
  if (variant === undefined) throw packagingErrors("skill.not-found", { source });
  const { directory, files } = await readSkillContent(repository, variant);
  return { source, directory, files };
}

/** Several directories may hold skills, as in a repository of them: `path` chooses. */
export function skillBelow(source: string, files: readonly SkillFile[], path: string): FoundSkill {
  const root = path === "" ? "" : `${path.replace(/\/+$/, "")}/`;
  const inside = files.filter((file) => file.path.startsWith(root));
  const below = inside.map((file) => ({ ...file, path: file.path.slice(root.length) }));
  return found(source, root === "" ? undefined : root.slice(0, -1).split("/").at(-1), below);
}

function found(source: string, directory: string | undefined, files: readonly SkillFile[]): FoundSkill {
  const byPath = new Map(files.map((file) => [file.path, file]));
  const below = belowSkillFile(byPath, "image", source);
  return { source, directory: below.directory ?? directory, files: below.files };
}
