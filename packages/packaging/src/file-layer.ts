// A file of the directory as a layer of its own: streamed, and checked against what was listed.
import type { Descriptor, LocalRepository } from "@pratique/oci";
import { Digester, type Digest } from "@pratique/core";
import { packagingErrors } from "./errors.ts";
import { readFileChunks, type SourceFile } from "./source-files.ts";

/** Stores a file's bytes. @throws `artifact.changed` when its size is not the one that was listed */
export async function putFile(
  repository: LocalRepository,
  file: SourceFile,
): Promise<{ digest: Digest; size: number }> {
  const stored = await repository.putBlob(readFileChunks(file));
  if (stored.size !== file.size) throw packagingErrors("artifact.changed", { path: file.path });
  return stored;
}

export function descriptorOf(
  mediaType: string,
  stored: { readonly digest: Digest; readonly size: number },
  annotations: Readonly<Record<string, string>>,
): Descriptor {
  return { mediaType, digest: stored.digest, size: stored.size, annotations };
}

/** The digest of a file that does not become a layer of its own. */
export async function digestOfFile(file: Pick<SourceFile, "absolute" | "path">): Promise<Digest> {
  const digester = new Digester();
  for await (const chunk of readFileChunks(file)) digester.update(chunk);
  return digester.digest();
}
