// Changes a catalog's file where it stands: what nobody touched stays as it is, comments too.
import type { Catalog, ServerEntry } from "@pratique/contracts";
import { isMap, isSeq, parse, parseDocument } from "yaml";
import { writeCatalogYaml } from "./catalog-document.ts";

export interface CatalogEdit {
  /** Put in the place of entries of that name, or added. */
  readonly entries: readonly ServerEntry[];
  readonly other?: Catalog["other"];
  readonly version?: string;
}

/** @param text the file as it is: YAML or JSON that `parseCatalog` takes */
export function editCatalog(text: string, edit: CatalogEdit): string {
  const document = parseDocument(text, { version: "1.2", merge: false });
  let list = document.get("entries");
  // A list in one line would stay one.
  if (!isSeq(list) || list.items.length === 0) {
    document.set("entries", document.createNode([]));
    list = document.get("entries");
  }
  if (!isSeq(list)) return text;
  list.flow = false;
  const places = new Map(list.items.map((item, at) => [isMap(item) ? item.get("name") : undefined, at]));
  for (const entry of edit.entries) {
    const node = document.createNode(shortForm(entry), { aliasDuplicateObjects: false });
    const at = places.get(entry.name);
    if (at === undefined) {
      places.set(entry.name, list.items.length);
      list.items.push(node);
      continue;
    }
    const before = list.items[at];
    if (isMap(before) && typeof before.commentBefore === "string") node.commentBefore = before.commentBefore;
    list.items[at] = node;
  }
  if (edit.version !== undefined) document.set("version", edit.version);
  if (edit.other !== undefined) {
    if (Object.keys(edit.other).length === 0) document.delete("other");
    else document.set("other", document.createNode(edit.other, { aliasDuplicateObjects: false }));
  }
  return document.toString({ lineWidth: 0 });
}

/** Without what goes without saying, as `writeCatalogYaml` has it. */
function shortForm(entry: ServerEntry): unknown {
  const written: { entries: unknown[] } = parse(
    writeCatalogYaml({ name: "x", version: "0", entries: [entry], other: {} }),
    { maxAliasCount: 0 },
  );
  return written.entries[0];
}
