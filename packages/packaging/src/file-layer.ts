// A file of the directory as a layer of its own: streamed, and checked against what was listed.
import type { LocalRepository } from "@pratique/oci";
import { Digester, type Digest } from "@pratique/core";
import { packagingErrors } from "./errors.ts";
import type { FileHandle } from "node:fs/promises";
import { openSourceFile, readFileChunks, type SourceFile } from "./source-files.ts";

/** Stores a file's bytes. @throws `artifact.changed` when its size is not the one that was listed */
export async function putFile(
  repository: LocalRepository,
  file: SourceFile,
): Promise<{ digest: Digest; size: number }> {
  const open = (): Promise<FileHandle> => openSourceFile(file);
  const stored =
    repository.putFile === undefined
      ? await repository.putBlob(readFileChunks(file))
      : await repository.putFile({ sizeBytes: file.size, open });
  if (stored.size !== file.size) throw packagingErrors("artifact.changed", { path: file.path });
  return stored;
}

/** The digest of a file that does not become a layer of its own. */
export async function digestOfFile(file: Pick<SourceFile, "absolute" | "path">): Promise<Digest> {
  const digester = new Digester();
  for await (const chunk of readFileChunks(file)) digester.update(chunk);
  return digester.digest();
}

const FILES_AT_ONCE = 4;

/** Stores files side by side, so that whoever then asks for each in turn finds it there. */
export async function putFilesAtOnce(repository: LocalRepository, files: readonly SourceFile[]): Promise<void> {
  if (repository.putFile === undefined) return;
  const waiting = [...files];
  const failed = { is: false };
  const worker = async (): Promise<void> => {
    for (let file = waiting.shift(); file !== undefined && !failed.is; file = waiting.shift()) {
      try {
        await putFile(repository, file);
      } catch (error) {
        failed.is = true;
        throw error;
      }
    }
  };
  const ends = await Promise.allSettled(Array.from({ length: FILES_AT_ONCE }, worker));
  for (const end of ends) if (end.status === "rejected") throw end.reason;
}
