// What an MCP server's image stands on: layers that bring node, and the config that goes with them.
import type { Digest, Log } from "@pratique/core";
import type { SbomComponent } from "@pratique/evidence";
import type { Descriptor, LocalRepository } from "@pratique/oci";
import type { Material } from "../artifact-plan.ts";

export interface BaseLayer {
  readonly descriptor: Descriptor;
  /** Digest of the uncompressed layer. */
  readonly diffId: Digest;
}

/** A base whose layers are in the target repository. */
export interface PreparedBase {
  readonly description: string;
  readonly architecture: string;
  readonly layers: readonly BaseLayer[];
  /** Path of node in the image. */
  readonly node: string;
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
}
