// Reading what is there.
import { createHash } from "node:crypto";
import { lstat, readFile, realpath, stat } from "node:fs/promises";
import { cliErrors } from "../errors.ts";

const LIMIT_BYTES = 4 * 1024 * 1024;

export interface FoundFile {
  /** Behind links. */
  readonly path: string;
  readonly text: string;
  readonly mode: number;
}

/** Undefined when there is no such file. @throws `connect.unreadable` */
export async function readIfThere(path: string): Promise<FoundFile | undefined> {
  try {
    const real = await realpath(path);
    const stats = await stat(real);
    const { mode, size } = stats;
    // Reading a pipe or a device may never end.
    if (!stats.isFile()) throw new Error("it is not a file");
    if (size > LIMIT_BYTES) throw new Error("it is too large");
    return { path: real, text: await readFile(real, "utf8"), mode: mode & 0o777 };
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    if ((code === "ENOENT" || code === "ENOTDIR") && !(await isLink(path))) return undefined;
    throw cliErrors("connect.unreadable", { file: path, reason: error instanceof Error ? error.message : "" });
  }
}

/** A link to nothing is not replaced: somebody made it. */
async function isLink(path: string): Promise<boolean> {
  return lstat(path).then(
    (stats) => stats.isSymbolicLink(),
    () => false,
  );
}

/** A JSON object; an empty file is an empty one. @throws `connect.unreadable` */
export function parseObject(text: string, path: string): Record<string, unknown> {
  let json: unknown;
  try {
    json = JSON.parse(text.trim() === "" ? "{}" : text);
  } catch {
    json = undefined;
  }
  if (typeof json !== "object" || json === null || Array.isArray(json)) {
    throw cliErrors("connect.unreadable", { file: path, reason: "it is not a JSON object" });
  }
  return Object.fromEntries(Object.entries(json));
}

export function digestOfText(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
