// The digest of a directory's files is what the commands of the DigestSet specification print.
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, it } from "vitest";
import { directoryHash } from "./directory-hash.ts";

it("is what sha256sum makes of the files, whatever their order", async () => {
  const directory = await mkdtemp(join(tmpdir(), "pratique-directory-hash-"));
  try {
    await mkdir(join(directory, "a-b"));
    await mkdir(join(directory, "a"));
    const names = ["a/z.js", "a-b/c.js", "Z.js", "a.js", "ä.js"];
    for (const name of names) await writeFile(join(directory, name), `${name}\n`);
    const command = "find . -type f | cut -c3- | LC_ALL=C sort | xargs -r sha256sum | sha256sum | cut -f1 -d' '";
    const { stdout } = await promisify(execFile)("sh", ["-c", command], { cwd: directory });
    const files = names.map((name) => join(directory, name));
    expect(await directoryHash(directory, files)).toBe(stdout.trim());
    expect(await directoryHash(directory, [...files, ...files].toReversed())).toBe(stdout.trim());
    await writeFile(join(directory, "a.js"), "changed");
    expect(await directoryHash(directory, files)).not.toBe(stdout.trim());
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
});
