// What the tests of this package share: a content store and directories in a temporary home. Test code only.
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { manualClock, silentLog, type ManualClock } from "@pratique/core";
import { openContentStore, type LocalRepository } from "@pratique/oci";
import { packDirectory, type PackDirectoryOptions } from "./pack-directory.ts";
import type { Packed } from "./pack-source.ts";

export interface Workbench {
  readonly home: string;
  readonly clock: ManualClock;
  repository(name: string): LocalRepository;
  /** Makes a directory with these files and returns its path. */
  directory(path: string, files: Readonly<Record<string, string | Uint8Array>>): Promise<string>;
  pack(directory: string, options?: Partial<PackDirectoryOptions>): Promise<Packed>;
  close(): Promise<void>;
}

export async function openWorkbench(): Promise<Workbench> {
  const home = await mkdtemp(join(tmpdir(), "pratique-packaging-"));
  const clock = manualClock();
  const store = await openContentStore(join(home, "registry"), { clock, log: silentLog });
  return {
    home,
    clock,
    repository: (name) => store.repository(name),
    async directory(path, files) {
      const root = join(home, path);
      await mkdir(root, { recursive: true });
      for (const [name, content] of Object.entries(files)) {
        await mkdir(dirname(join(root, name)), { recursive: true });
        await writeFile(join(root, name), content);
      }
      return root;
    },
    pack: (directory, options = {}) =>
      packDirectory({
        directory,
        repository: store.repository("test/artifact"),
        tag: "1",
        cacheDirectory: join(home, "cache"),
        clock,
        log: silentLog,
        ...options,
      }),
    async close() {
      await store.close();
      await rm(home, { recursive: true, force: true });
    },
  };
}

/** Every file below a directory as text, by relative path. */
export async function filesBelow(root: string): Promise<Record<string, string>> {
  const files: Record<string, string> = {};
  for (const entry of await readdir(root, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isFile()) files[path.slice(root.length + 1)] = await readFile(path, "latin1");
  }
  return files;
}
