// Who watches a content store: told of every change of tags and manifests, and of the bytes that come and go.
import type { Digest } from "@pratique/core";

/** A tag that moves: made without `from`, deleted without `to`. */
export interface TagChange {
  readonly tag: string;
  readonly from?: Digest;
  readonly to?: Digest;
}

/** One atomic change of a repository. */
export interface RepositoryChange {
  readonly repository: string;
  readonly tags: readonly TagChange[];
  readonly added: readonly Digest[];
  readonly removed: readonly Digest[];
  /** How many there will be. */
  readonly tagCount: number;
  readonly manifestCount: number;
}

/** Told how an admitted change ended: durable, or not at all. */
export type ChangeEnd = (isDurable: boolean) => void;

/**
 * Every back end of the content store calls it at the same places, whoever causes the change. All calls concern one
 * repository by name; those of a change come in line, one change after another.
 */
export interface StoreObserver {
  /** Before a change is durable; throwing refuses it. */
  admit(change: RepositoryChange): Promise<ChangeEnd>;
  /** Before the first `receiving` of an upload. */
  ready(repository: string): Promise<void>;
  /** An upload has grown (or is about to) to so many bytes; throwing refuses them. */
  receiving(repository: string, upload: string, sizeBytes: number): void;
  /** An upload is no more, whatever became of it. After `stored`, when it became a blob. */
  ended(repository: string, upload: string): void;
  /** A blob is in the repository, perhaps again. */
  stored(repository: string, digest: Digest, sizeBytes: number): void;
  /** A blob is no longer in the repository. */
  released(repository: string, digest: Digest): void;
}
