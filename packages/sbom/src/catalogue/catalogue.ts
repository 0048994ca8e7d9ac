// What a catalogue of an artifact says, and how much is read to make one.
import type { PackageComponent } from "@pratique/contracts";

/** What was found in an artifact. The same artifact gives the same catalogue. */
export interface Catalogue {
  /** Sorted by purl. */
  readonly components: readonly PackageComponent[];
  /** From `os-release`. */
  readonly distribution?: Distribution | undefined;
  /** What was there and could not be read, sorted by path. An empty list means that everything known of was read. */
  readonly unread: readonly Unread[];
  /** Files and links in what a container would see. */
  readonly files?: number | undefined;
}

export interface Distribution {
  readonly id: string;
  /** `VERSION_ID`; empty where the distribution has none (rolling). */
  readonly version: string;
  readonly name?: string | undefined;
}

export interface Unread {
  /** A path in the artifact, or the digest of a layer that is no archive of files. */
  readonly path: string;
  readonly reason: string;
}

export interface CatalogueLimits {
  /** Layers of one image. */
  readonly maxLayers: number;
  /** Entries of all layers together; a long path counts for several. */
  readonly maxEntries: number;
  /** Unpacked bytes of all layers together. */
  readonly maxBytes: number;
  /** A file that is read whole (package database, executable, jar) may be this large; beyond, it is reported. */
  readonly maxFileBytes: number;
  /** Packages of the whole artifact; what needs or provides very much counts for several. */
  readonly maxPackages: number;
}

export const CATALOGUE_LIMITS: CatalogueLimits = {
  maxLayers: 512,
  maxEntries: 2_000_000,
  maxBytes: 256 * 1024 ** 3,
  maxFileBytes: 256 * 1024 ** 2,
  maxPackages: 500_000,
};

export interface CatalogueOptions {
  /** `linux/arm64` or `linux/arm/v7`; of an index only. By default this machine's architecture, else the first image. */
  readonly platform?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly limits?: Partial<CatalogueLimits> | undefined;
}
