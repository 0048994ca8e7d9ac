// The digest of some files of a directory: Go's dirhash.Hash1, in hexadecimal (in-toto attestation, DigestSet, `dirHash`).
import { relative, sep } from "node:path";
import { digestOf, hexOf } from "@pratique/core";
import { digestOfFile } from "./file-layer.ts";

/** As `find . -type f | cut -c3- | LC_ALL=C sort | xargs sha256sum | sha256sum` would give for just these files. */
export async function directoryHash(directory: string, files: readonly string[]): Promise<string> {
  const paths = [...new Set(files)].map((absolute) => ({
    absolute,
    path: relative(directory, absolute).split(sep).join("/"),
  }));
  paths.sort((a, b) => Buffer.compare(Buffer.from(a.path), Buffer.from(b.path)));
  const lines: string[] = [];
  for (const file of paths) lines.push(`${hexOf(await digestOfFile(file))}  ${file.path}\n`);
  return hexOf(digestOf(lines.join("")));
}
