// What one file says of the artifact it lies in. Facts of all files are put together once every layer was read.
import type { Distribution } from "./catalogue.ts";

/** A package as its own file describes it, before it is known where it belongs. */
export interface FoundPackage {
  /** purl type. Those of distributions are `deb`, `apk` and `rpm`. */
  readonly type: string;
  readonly namespace?: string | undefined;
  readonly name: string;
  readonly version: string;
  readonly qualifiers?: Readonly<Record<string, string>> | undefined;
  readonly subpath?: string | undefined;
  readonly source?: { readonly name: string; readonly version: string } | undefined;
  readonly licences: readonly string[];
  readonly supplier?: string | undefined;
  readonly hashes?: Readonly<Record<string, string>> | undefined;
  readonly scope?: "runtime" | "development" | undefined;
  /** Names of other packages of the same type, in the same file or beside it. */
  readonly needs?: readonly string[] | undefined;
  /** Names that it answers to besides its own. */
  readonly provides?: readonly string[] | undefined;
}

export type Fact =
  | { readonly fact: "package"; readonly package: FoundPackage }
  | { readonly fact: "distribution"; readonly distribution: Distribution }
  /** What a Debian package's copyright file says; its name is the directory of the file. */
  | { readonly fact: "licences"; readonly licences: readonly string[] }
  /** CVEs that a Debian changelog names. */
  | { readonly fact: "fixes"; readonly vulnerabilities: readonly string[] }
  /** Files of a distribution's packages that other detectors read as well. */
  | { readonly fact: "owned"; readonly paths: readonly string[] };

/** What a detector makes of a file. */
export interface Findings {
  readonly facts: readonly Fact[];
  /** Parts of it that could not be read. */
  readonly unread?: readonly string[];
}

export const NOTHING: Findings = { facts: [] };

/** A file that a detector reads whole. */
export interface DetectedFile {
  /** Where it lies in the artifact, no leading slash. */
  readonly path: string;
  /** Only good during the call. */
  readonly bytes: Buffer;
}

/** A file whose parts are read one by one: of an executable, little says much. */
export interface FileParts {
  readonly path: string;
  /** Bytes. */
  readonly size: number;
  /** `undefined` when it reaches beyond the file. */
  slice(offset: number, size: number): Buffer | undefined;
}

/** Thrown by a detector that knows the file and cannot read it; its message says why. */
export class Unreadable extends Error {}

/** Recognises files by path (and beginning), and reads them. Pure: no I/O. */
export interface Detector {
  readonly name: string;
  /** Larger files are reported as unread. */
  readonly maxBytes: number;
  /** Decides by the first bytes whether a file of fitting path is meant; absent where the path says enough. */
  readonly begins?: ((beginning: Buffer) => boolean) | undefined;
  /** Reads no more than that many bytes of the beginning. */
  readonly headBytes?: number | undefined;
  /** @throws Unreadable */
  read(file: DetectedFile): Findings;
  /** The same without reading all of it, where the file can be entered anywhere. @throws Unreadable */
  readonly readParts?: ((file: FileParts) => Findings) | undefined;
}
