// One statement on one vulnerability, whatever format it came in.
import type { FindingState } from "@pratique/contracts";

/** How a product or a part of one is named; one that fits is enough. */
export interface VexComponent {
  readonly purls: readonly string[];
  /** Lower-case hex SHA-256. */
  readonly hashes: readonly string[];
}

export interface VexProduct extends VexComponent {
  /** Where in the product it is; none: anywhere. */
  readonly subcomponents: readonly VexComponent[];
}

export interface VexStatement {
  /** Who says so: the name by which trust knows the signer, or what the document calls its author. */
  readonly author: string;
  /** Where it stands: the document's id, and which of its statements. */
  readonly statement: string;
  /** All names of the vulnerability, upper case. */
  readonly vulnerabilities: readonly string[];
  readonly status: FindingState;
  readonly justification?: string | undefined;
  /** RFC 3339, UTC. */
  readonly time: string;
  /** RFC 3339, UTC: from then on it says nothing. */
  readonly expires?: string | undefined;
  /** None: of whatever the document that holds it is about (ATTESTING.md, rule 1). */
  readonly products: readonly VexProduct[];
}

/** A statement that says nothing here, and why. */
export interface IgnoredStatement {
  readonly statement: string;
  readonly reason: string;
}

export interface VexReading {
  readonly statements: readonly VexStatement[];
  readonly ignored: readonly IgnoredStatement[];
}

export const STATEMENT_LIMIT = 20_000;
