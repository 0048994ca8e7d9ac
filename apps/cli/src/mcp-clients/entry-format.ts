// What a format of configuration files can do with one entry.

export type Format = "json" | "yaml" | "toml";

/** Where it stands: below these keys, under its name; in a list, it is the one that is called so. */
export interface EntryPlace {
  readonly at: readonly string[];
  readonly name: string;
  readonly isList?: boolean;
}

export type Tree = Record<string, unknown>;

/** What each format can do. Nothing here is trusted: what comes out is parsed again and compared. */
export interface EntryText {
  /** Of an empty text too. @throws when it cannot be read, or is no object */
  parse(text: string): Tree;
  /** Texts that may be it, the one that changes least first. */
  insert(text: string, place: EntryPlace, value: Tree): readonly string[];
  remove(text: string, place: EntryPlace): readonly string[];
  /** What was made to hold it, and holds nothing now. */
  removeHolder(text: string, at: readonly string[]): string | undefined;
}

export function isTree(value: unknown): value is Tree {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Date);
}
