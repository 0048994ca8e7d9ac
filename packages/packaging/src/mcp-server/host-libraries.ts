// Where there is no apt: the shared libraries that node needs, copied from this machine.
import { readFile, realpath, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { digestOf, hexOf } from "@pratique/core";
import type { SbomComponent } from "@pratique/sbom";
import type { TarEntry } from "../archive/tar-writer.ts";
import type { Material } from "../artifact-plan.ts";
import { packagingErrors } from "../errors.ts";
import { readElf, type ElfFacts } from "./elf-file.ts";
import { mergedPath } from "./root-file-system.ts";

const TRIPLETS: Readonly<Record<ElfFacts["architecture"], string>> = {
  amd64: "x86_64-linux-gnu",
  arm64: "aarch64-linux-gnu",
};
const LIMIT_LIBRARY = 64 * 1024 * 1024;
const LIMIT_LIBRARIES = 64;

export interface HostLibraries {
  readonly entries: readonly TarEntry[];
  readonly components: readonly SbomComponent[];
  readonly materials: readonly Material[];
}

/** Where the loader looks (ld.so(8)), Debian's directories first. */
function searchPath(architecture: ElfFacts["architecture"]): string[] {
  const triplet = TRIPLETS[architecture];
  return [`/lib/${triplet}`, `/usr/lib/${triplet}`, "/lib64", "/usr/lib64", "/lib", "/usr/lib"];
}

async function locate(name: string, directories: readonly string[]): Promise<string> {
  if (name.includes("/")) throw unavailable(`the library name ${name} is a path`);
  for (const directory of directories) {
    const found = await stat(join(directory, name)).catch(() => undefined);
    if (found?.isFile() === true && found.size <= LIMIT_LIBRARY) return join(directory, name);
  }
  throw unavailable(`the shared library ${name} is not installed`);
}

function unavailable(reason: string): Error {
  return packagingErrors("base.unavailable", { base: "debian", reason });
}

/** Everything a binary needs, found as the loader finds it. @throws `base.unavailable` */
export async function collectHostLibraries(binary: string): Promise<HostLibraries> {
  const { architecture, loader, needed } = await readElf(binary);
  const directories = searchPath(architecture);
  const entries: TarEntry[] = [];
  const components: SbomComponent[] = [];
  const materials: Material[] = [];
  const seen = new Set<string>();
  const add = async (path: string): Promise<void> => {
    const target = mergedPath(join(await realpath(dirname(path)), basename(path)));
    const body = await readFile(path);
    const sha256 = hexOf(digestOf(body));
    entries.push({ type: "file", path: target, mode: 0o755, body });
    components.push({
      type: "library",
      name: basename(path),
      hashes: { sha256 },
      properties: { "pratique:origin": "copied from the machine that packed the image; no package is known for it" },
    });
    materials.push({ uri: `file://${path}`, digest: { sha256 }, name: basename(path) });
  };
  const queue = [...needed];
  if (loader !== undefined) {
    seen.add(basename(loader));
    // The path in the binary is fixed, wherever the file really lies here.
    const body = await readFile(loader);
    const sha256 = hexOf(digestOf(body));
    entries.push({ type: "file", path: mergedPath(loader), mode: 0o755, body });
    components.push({ type: "library", name: basename(loader), hashes: { sha256 } });
    materials.push({ uri: `file://${loader}`, digest: { sha256 }, name: basename(loader) });
  }
  for (let name = queue.shift(); name !== undefined; name = queue.shift()) {
    if (seen.has(name)) continue;
    seen.add(name);
    if (seen.size > LIMIT_LIBRARIES) throw unavailable(`it needs more than ${LIMIT_LIBRARIES} libraries`);
    const path = await locate(name, directories);
    await add(path);
    queue.push(...(await readElf(path)).needed);
  }
  return { entries, components, materials };
}
