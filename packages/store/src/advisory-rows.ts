// What is read from and written to the advisory database.

/** An advisory as one source has it. `body` is the writer's own JSON. */
export interface AdvisoryRow {
  readonly key: number;
  readonly source: string;
  readonly id: string;
  readonly modified: string;
  readonly body: string;
}

/** That an advisory concerns a package, with the versions as the writer's own JSON. */
export interface AffectedRow {
  readonly advisory: number;
  readonly body: string;
}

/** By what packages are found: the ecosystem with its release, and the name in that ecosystem's normal form. */
export interface PackageKey {
  readonly ecosystem: string;
  readonly name: string;
}

/** An advisory that is written. */
export interface NewAdvisory {
  readonly source: string;
  readonly id: string;
  /** RFC 3339; empty when the source does not say. */
  readonly modified: string;
  readonly body: string;
  /** Every id under which others know it, its own among them. */
  readonly names: readonly string[];
  /** None for one that was withdrawn. */
  readonly affected: readonly (PackageKey & { readonly body: string })[];
}

/** A state of the content: a new one with each write that changed something. */
export interface AdvisoryVersion {
  readonly sequence: number;
  /** Hex SHA-256 over the version before and everything that changed. */
  readonly digest: string;
  readonly time: string;
}
