// A policy pack: a few policies with their tests, put beside the policies in force.
import { lstat, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { daemonErrors } from "../errors.ts";

export interface PolicyPack {
  readonly name: string;
  /** One sentence, from its README. */
  readonly summary: string;
  /** Where it comes from: a directory, or a reference with a digest. */
  readonly origin: string;
  /** Cedar text by file name. */
  readonly files: Readonly<Record<string, string>>;
  /** Tables of cases by file name. */
  readonly tests: Readonly<Record<string, string>>;
}

export const PACK_NAME = /^[a-z0-9][a-z0-9-]{0,62}$/;

const MAX_FILES = 64;
const MAX_FILE_BYTES = 256 * 1024;

/** A pack from the texts of its files by path; other files than these are no part of it. @throws `policy.bad-pack` */
export function packOf(name: string, origin: string, texts: ReadonlyMap<string, string>): PolicyPack {
  if (!PACK_NAME.test(name)) throw daemonErrors("policy.bad-pack", { pack: origin, reason: `\`${name}\` is no name` });
  const those = (pattern: RegExp): Record<string, string> =>
    Object.fromEntries([...texts].filter(([path]) => pattern.test(path)).toSorted(([a], [b]) => (a < b ? -1 : 1)));
  const files = those(/^[^/]+\.cedar$/);
  if (Object.keys(files).length === 0) {
    throw daemonErrors("policy.bad-pack", { pack: origin, reason: "it has no *.cedar file" });
  }
  const tests = those(/^tests\/[^/]+\.yaml$/);
  return { name, origin, files, tests, summary: summaryOf(texts.get("README.md") ?? "") };
}

/** Reads a pack's directory. Links are no part of a pack. @throws `policy.bad-pack` */
export async function readPack(directory: string, name: string): Promise<PolicyPack> {
  const texts = new Map<string, string>();
  const bad = (reason: string, cause?: unknown): Error =>
    daemonErrors("policy.bad-pack", { pack: directory, reason }, { cause });
  for (const below of ["", "tests"]) {
    const names = await readdir(join(directory, below)).catch((cause: unknown): string[] => {
      if (below === "") throw bad("it is no directory that can be read", cause);
      return [];
    });
    for (const one of names) {
      if (!/\.(?:cedar|yaml|md)$/.test(one)) continue;
      const path = join(directory, below, one);
      const stats = await lstat(path);
      if (!stats.isFile()) continue;
      if (stats.size > MAX_FILE_BYTES) throw bad(`${one} is larger than ${MAX_FILE_BYTES} bytes`);
      texts.set(below === "" ? one : `${below}/${one}`, await readFile(path, "utf8"));
      if (texts.size > MAX_FILES) throw bad(`it has more than ${MAX_FILES} files`);
    }
  }
  return packOf(name, directory, texts);
}

/** Every pack below a directory, by name. @throws `policy.bad-pack` */
export async function readPacks(directory: string): Promise<PolicyPack[]> {
  const entries = await readdir(directory, { withFileTypes: true }).catch(() => []);
  const names = entries.filter((entry) => entry.isDirectory() && PACK_NAME.test(entry.name)).map(({ name }) => name);
  return await Promise.all(names.toSorted().map((name) => readPack(join(directory, name), name)));
}

/** The first paragraph under the heading. */
function summaryOf(readme: string): string {
  const paragraph = readme.split(/\n\s*\n/).find((part) => part.trim() !== "" && !part.trim().startsWith("#"));
  return (paragraph ?? "").trim().replaceAll(/\s+/g, " ").slice(0, 300);
}
