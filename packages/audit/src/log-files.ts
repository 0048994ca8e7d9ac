// How the log touches the disk, as an interface: tests hand in a disk that fills.
import { open, readFile, rm } from "node:fs/promises";
import { isPratiqueError } from "@pratique/core";
import { fileError, systemCode, writeFilesDurably, type DurableFile } from "@pratique/store";
import { auditErrors } from "./errors.ts";

/** One open file, as far as the log needs it. */
export interface AppendFile {
  /** May write less than all; returns how much. */
  write(bytes: Uint8Array, position: number): Promise<number>;
  datasync(): Promise<void>;
  truncate(sizeBytes: number): Promise<void>;
  close(): Promise<void>;
}

/** Where the log writes. */
export interface LogFiles {
  openAppend(path: string): Promise<AppendFile>;
  writeAll(files: readonly DurableFile[]): Promise<void>;
  remove(path: string): Promise<void>;
}

export const systemFiles: LogFiles = {
  async openAppend(path) {
    const file = await open(path, await fileFlag(path), 0o600);
    return {
      write: async (bytes, position) => (await file.write(bytes, 0, bytes.length, position)).bytesWritten,
      datasync: () => file.datasync(),
      truncate: (sizeBytes) => file.truncate(sizeBytes),
      close: () => file.close(),
    };
  },
  writeAll: writeFilesDurably,
  remove: (path) => rm(path, { force: true }),
};

async function fileFlag(path: string): Promise<string> {
  try {
    await (await open(path, "r")).close();
    return "r+";
  } catch (error) {
    if (systemCode(error) === "ENOENT") return "wx+";
    throw error;
  }
}

/** Reads a file that may not be there. */
export async function readIfThere(path: string): Promise<Buffer | undefined> {
  try {
    return await readFile(path);
  } catch (error) {
    if (systemCode(error) === "ENOENT") return undefined;
    throw fileError(error, path);
  }
}

/** Gives a failed write the log's code: a full disk is `audit.full`, all else `audit.unavailable`. */
export function writeError(error: unknown, path: string): Error {
  if (isPratiqueError(error) && error.code.startsWith("audit.")) return error;
  const cause = fileError(error, path);
  if (cause.code === "store.full") return auditErrors("audit.full", { path }, { cause });
  return auditErrors("audit.unavailable", { path, reason: cause.message }, { cause });
}
