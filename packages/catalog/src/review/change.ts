// One thing that a new version of a catalog changes, and whether more is possible then than before.
export type ChangeKind =
  | "entry-added"
  | "entry-removed"
  | "image"
  | "command"
  | "user"
  | "remote"
  | "transport"
  | "oauth"
  | "network"
  | "tool-added"
  | "tool-removed"
  | "tool-writes"
  | "tool-schema"
  | "tool-description"
  | "secret"
  | "volume"
  | "env"
  | "config"
  | "life"
  | "limits"
  | "evidence"
  | "text";

export interface CatalogChange {
  readonly entry: string;
  readonly kind: ChangeKind;
  /** widens: it may do or get what it could not before, or nobody can tell. */
  readonly effect: "widens" | "narrows" | "neutral";
  /** One line. */
  readonly what: string;
}
