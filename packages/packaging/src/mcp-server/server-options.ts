// What making a server's image needs of the options of a pack.
import type { LocalRepository } from "@pratique/oci";
import type { PackSourceOptions } from "../pack-source.ts";
import { debianBase } from "./debian-base.ts";
import type { ServerImageOptions } from "./server-image.ts";

export function serverImageOptions(repository: LocalRepository, options: PackSourceOptions): ServerImageOptions {
  const { base, bases, node, runCommand, cacheDirectory, log } = options;
  const own = base ?? (node === undefined ? undefined : debianBase({ node, runCommand }));
  return { repository, bases: { ...bases, ...(own === undefined ? {} : { node: own }) }, cacheDirectory, log };
}
