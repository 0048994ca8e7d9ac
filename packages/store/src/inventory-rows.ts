// The rows of the inventory: which packages are in which artifacts, and what is known against them. All of it can be made anew.
import type { Generated } from "kysely";

/** A package as advisories know it: once, however many artifacts have it. `component` is JSON. */
export interface InventoryPackageRow {
  id: number;
  /** Names what `component` says. */
  key: string;
  /** In lower case, with the namespace: `@scope/name`. */
  name: string;
  /** In lower case, without it. */
  baseName: string;
  /** The distribution's source package, in lower case. */
  sourceName: string | null;
  component: string;
}

/** What an artifact is made of, by one source. `body` is JSON, `content` compressed. */
export interface InventoryDocumentRow {
  id: number;
  key: string;
  origin: string;
  body: string;
}

export interface InventoryContentRow {
  document: number;
  content: Uint8Array;
}

/** Where advisories look a package up. */
export interface InventoryLookupRow {
  lookup: string;
  package: number;
}

export interface InventoryUseRow {
  package: number;
  document: number;
}

/** A manifest in a repository. `body` is JSON. */
export interface InventoryArtifactRow {
  repository: string;
  digest: string;
  kind: string;
  document: number | null;
  body: string;
}

/** A manifest that an index lists. */
export interface InventoryMemberRow {
  repository: string;
  digest: string;
  member: string;
}

export interface InventoryTagRow {
  repository: string;
  tag: string;
  digest: string;
}

/** One vulnerability of one package. `body` is JSON. */
export interface InventoryFindingRow {
  package: number;
  advisory: string;
  body: string;
}

/** Every name under which a finding is known, in upper case. */
export interface InventoryAliasRow {
  alias: string;
  package: number;
  advisory: string;
}

/** What became of a new version of the advisories. `body` is JSON; `isTold` says that events and record are there. */
export interface InventoryChangeRow {
  id: string;
  time: string;
  body: string;
  isTold: number;
}

export interface InventoryStateRow {
  key: string;
  value: string;
}

type Numbered<Row> = Omit<Row, "id"> & { id: Generated<number> };

export interface InventoryTables {
  inventoryPackages: Numbered<InventoryPackageRow>;
  inventoryDocuments: Numbered<InventoryDocumentRow>;
  inventoryContents: InventoryContentRow;
  inventoryLookups: InventoryLookupRow;
  inventoryUses: InventoryUseRow;
  inventoryArtifacts: InventoryArtifactRow;
  inventoryMembers: InventoryMemberRow;
  inventoryTags: InventoryTagRow;
  inventoryFindings: InventoryFindingRow;
  inventoryAliases: InventoryAliasRow;
  inventoryChanges: InventoryChangeRow;
  inventoryState: InventoryStateRow;
}
