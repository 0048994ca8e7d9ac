// What every format is read into and written from: files with a role, metadata of the kind, and what only one format says.
import type { Digest, JsonObject } from "@pratique/core";
import type { Kind } from "@pratique/contracts";
import type { ByteRange } from "@pratique/oci";

/** One file of an artifact, by its plain bytes, whatever a layer did to them. */
export interface CanonicalFile<Role extends string = string> {
  /** Relative, with `/`; checked by `pathProblem`. */
  readonly path: string;
  /** What it is for; each kind names its own roles. */
  readonly role: Role;
  /** Permission bits. */
  readonly mode: number;
  /** Bytes. */
  readonly size: number;
  readonly digest: Digest;
  /** Of the file itself, where a format states it. */
  readonly mediaType?: string | undefined;
  /** RFC 3339, where a format states it. */
  readonly modified?: string | undefined;
  /** Of its layer, apart from those that a format derives from the members above. */
  readonly annotations?: Readonly<Record<string, string>> | undefined;
  /** The name of a repository whose blob `digest` is exactly this file: a writer mounts it instead of reading. */
  readonly blobIn?: string | undefined;
  /** Its bytes, or a part of them. A whole read fails at its end when they have not the digest. */
  open(range?: ByteRange): AsyncIterable<Uint8Array>;
}

/**
 * What a format said that has no place above, under the format's name (`{ kitops: { parameters: … } }`), so that a
 * round trip through any other format loses nothing.
 */
export type Foreign = Readonly<Record<string, JsonObject>>;

/** An artifact of a kind, apart from any format. `Metadata` is JSON: what the kind knows of itself. */
export interface CanonicalArtifact<K extends Kind = Kind, Metadata = JsonObject, Role extends string = string> {
  readonly kind: K;
  readonly name?: string | undefined;
  readonly version?: string | undefined;
  readonly description?: string | undefined;
  /** RFC 3339. */
  readonly created?: string | undefined;
  /** In byte order of their paths, each path once. */
  readonly files: readonly CanonicalFile<Role>[];
  readonly metadata: Metadata;
  /** Of the manifest, apart from those that a format derives from the members above. */
  readonly annotations: Readonly<Record<string, string>>;
  readonly foreign: Foreign;
}
