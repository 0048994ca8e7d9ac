// Writes the files of a zip archive below a directory, each where it is told to.
import { createWriteStream } from "node:fs";
import { mkdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { pipeline } from "node:stream/promises";
import { pathProblem } from "../archive/entry-path.ts";
import type { ArchiveLimits } from "../archive/tar-reader.ts";
import { readZip } from "../archive/zip-reader.ts";
import { packagingErrors } from "../errors.ts";

/** @param place where a file goes, relative; `undefined` leaves it out @throws `archive.*` */
export async function unpackZip(
  path: string,
  directory: string,
  limits: ArchiveLimits,
  place: (path: string) => string | undefined = (own) => own,
): Promise<{ readonly path: string; readonly size: number }[]> {
  const written: { path: string; size: number }[] = [];
  for await (const entry of readZip(path, limits)) {
    if (entry.type !== "file") continue;
    const target = place(entry.path);
    if (target === undefined) continue;
    const reason = pathProblem(target);
    if (reason !== undefined) throw packagingErrors("archive.unsafe", { entry: entry.path.slice(0, 200), reason });
    const to = join(directory, target);
    await mkdir(dirname(to), { recursive: true });
    const mode = (entry.mode & 0o111) === 0 ? 0o644 : 0o755;
    await pipeline(entry.body, createWriteStream(to, { flags: "w", mode }));
    written.push({ path: target, size: entry.size });
  }
  return written;
}
