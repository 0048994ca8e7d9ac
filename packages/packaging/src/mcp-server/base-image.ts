// What an MCP server's image stands on: layers that bring a runtime, and the config that goes with them.
import type { Digest, Log } from "@pratique/core";
import type { SbomComponent } from "@pratique/sbom";
import type { Descriptor, LocalRepository } from "@pratique/oci";
import type { Material } from "../artifact-plan.ts";

export interface BaseLayer {
  readonly descriptor: Descriptor;
  /** Digest of the uncompressed layer. */
  readonly diffId: Digest;
}

/** What a Python in an image can load. */
export interface PythonTarget {
  /** `11` of Python 3.11. */
  readonly minor: number;
  /** `36` of glibc 2.36. */
  readonly glibcMinor: number;
}

/** A base whose layers are in the target repository. */
export interface PreparedBase {
  readonly description: string;
  readonly architecture: string;
  readonly layers: readonly BaseLayer[];
  /** Path in the image of what runs the server; empty when the base has nothing but libraries. */
  readonly runtime: string;
  /** Of a base with Python: what wheels must be for. */
  readonly python?: PythonTarget;
  /** Environment of the base, `NAME=value`. */
  readonly env: readonly string[];
  readonly components: readonly SbomComponent[];
  readonly materials: readonly Material[];
}

export interface PrepareOptions {
  readonly repository: LocalRepository;
  readonly cacheDirectory: string;
  readonly log: Log;
}

/** Brings a base into a repository; made once and handed to every pack, so that concurrent packs share the work. */
export interface BaseImage {
  readonly name: string;
  /** @throws `base.unavailable` */
  prepare(options: PrepareOptions): Promise<PreparedBase>;
  /** Of a base with Python: what wheels must be for, told before anything is stored. @throws `base.unavailable` */
  pythonTarget?(options: Omit<PrepareOptions, "repository">): Promise<PythonTarget>;
}
