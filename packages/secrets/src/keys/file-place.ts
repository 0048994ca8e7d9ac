// A ring of keys in a file that only its owner may read.
import { dirname } from "node:path";
import { ensureDirectory, writeFileDurably } from "@pratique/store";
import type { KeyPlace } from "./key-place.ts";
import { readPrivateFile } from "./private-file.ts";

/** One process at a time: the daemon holds its state directory. */
export function filePlace(path: string): KeyPlace {
  return {
    type: "file",
    place: path,
    async read() {
      const bytes = await readPrivateFile(path);
      return bytes === undefined ? undefined : { bytes, revision: "" };
    },
    async write(bytes) {
      await ensureDirectory(dirname(path), 0o700);
      await writeFileDurably(path, bytes, { mode: 0o600 });
      return true;
    },
  };
}
