// Looking after a content store: what collection and scrub are asked, and what they report.
import type { Digest } from "@pratique/core";

/** Why a blob, or a whole repository, was left alone. */
export interface KeptBlobs {
  /** A manifest that is listed needs it, or it is one. */
  readonly referenced: number;
  /** Somebody was told of it less than the grace period ago, or the store was opened less than that ago. */
  readonly leased: number;
  /** Its repository has a manifest that cannot be read, so nobody knows what that one needs. */
  readonly undecided: number;
}

export interface CollectOptions {
  /** Says what would go and removes nothing. */
  readonly dryRun?: boolean;
  /** A blob that no manifest needs stays for so long after somebody was last told that it is there. */
  readonly graceMs: number;
  readonly signal?: AbortSignal;
}

export interface CollectedRepository {
  readonly repository: string;
  readonly blobs: number;
  /** Of the blobs' content, whether or not another repository still has it. */
  readonly bytes: number;
}

export interface CollectReport {
  readonly isDryRun: boolean;
  /** How many were looked at. */
  readonly repositories: number;
  readonly blobs: number;
  readonly removed: { readonly blobs: number; readonly uploads: number; readonly partialFiles: number };
  /** Room that is free now (or would be): content that another repository has counts nothing. */
  readonly freedBytes: number;
  readonly kept: KeptBlobs;
  /** Repositories that lost something, in lexical order. */
  readonly collected: readonly CollectedRepository[];
  /** Repositories that were left alone, and why. */
  readonly skipped: readonly { readonly repository: string; readonly reason: string }[];
}

export type ScrubFindingType =
  /** Content that is not its digest's. */
  | "wrong-digest"
  /** Another length than the descriptor says. */
  | "wrong-size"
  /** A manifest needs it, and it is not there. */
  | "blob-missing"
  /** `index.json` lists it, and it is not there. */
  | "manifest-missing"
  /** Its bytes are its digest's, and yet no manifest. */
  | "manifest-invalid"
  /** `index.json` cannot be read. */
  | "layout-damaged"
  /** A link or a directory where a blob should be. */
  | "not-a-file"
  /** A copy of its own, where the pool has the same blob: it costs room, and nothing else. */
  | "not-shared";

export interface ScrubFinding {
  readonly type: ScrubFindingType;
  /** Empty for content that no repository names. */
  readonly repository: string;
  readonly digest?: Digest;
  /** The manifest that needs it. */
  readonly manifest?: Digest;
  readonly detail: string;
  /** It was moved aside, is not served any more, and can be pushed again. */
  readonly isQuarantined: boolean;
}

export interface ScrubOptions {
  /** Moves content that is not its digest's aside. Nothing is ever deleted. */
  readonly quarantine?: boolean;
  /** Reads no faster; without it, as fast as the disk. */
  readonly bytesPerSecond?: number;
  readonly signal?: AbortSignal;
}

export interface ScrubReport {
  readonly repositories: number;
  /** Names of blobs. */
  readonly blobs: number;
  /** What was read: content that many repositories have is read once. */
  readonly files: number;
  readonly bytes: number;
  /** At most 10,000. */
  readonly findings: readonly ScrubFinding[];
  /** All of them. */
  readonly found: number;
}
