// The rows of the registry's housekeeping: who moved which tag, what happened, and who is still to be told.
import type { Generated } from "kysely";

/** A tag that was made (`fromDigest` null), moved, or deleted (`toDigest` null). */
export interface TagMoveRow {
  /** Order of the moves; given by the database. */
  sequence: number;
  /** The change of the store it belongs to. */
  change: string;
  repository: string;
  tag: string;
  fromDigest: string | null;
  toDigest: string | null;
  time: string;
  /** JSON of who did it; null when nobody knows. */
  principal: string | null;
  action: string | null;
  /** Written into the record of the act, so that both can be joined. */
  act: string | null;
  /** Id of the act's record in the audit log. */
  record: string | null;
  /** 0 while nobody knows yet whether the change became durable. */
  isDone: 0 | 1;
}

/** One event, as CloudEvents writes it in `body`. */
export interface RegistryEventRow {
  /** Order of the events; given by the database. */
  sequence: number;
  id: string;
  change: string | null;
  type: string;
  repository: string | null;
  time: string;
  body: string;
  isDone: 0 | 1;
}

/** An event that a webhook is still to be told of, or that was given up. */
export interface DeliveryRow {
  webhook: string;
  event: string;
  attempts: number;
  /** Milliseconds since 1970. */
  dueAt: number;
  state: "waiting" | "dead";
  error: string | null;
}

/** When a manifest was pushed and last pulled. */
export interface ManifestTimeRow {
  repository: string;
  digest: string;
  pushedAt: string;
  pulledAt: string | null;
}

export interface RegistryStateRow {
  key: string;
  value: string;
}

export interface RegistryTables {
  tagMoves: Omit<TagMoveRow, "sequence"> & { sequence: Generated<number> };
  registryEvents: Omit<RegistryEventRow, "sequence"> & { sequence: Generated<number> };
  webhookDeliveries: DeliveryRow;
  manifestTimes: ManifestTimeRow;
  registryState: RegistryStateRow;
}
