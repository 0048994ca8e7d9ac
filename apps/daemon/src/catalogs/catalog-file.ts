// catalog.yaml in somebody's directory: read, and changed where it stands.
import { lstat, mkdir, readFile } from "node:fs/promises";
import { isAbsolute, join } from "node:path";
import {
  catalogErrors,
  checkCatalog,
  DOCUMENT_LIMITS,
  editCatalog,
  parseCatalog,
  readDocument,
  type CatalogEdit,
} from "@pratique/catalog";
import type { Catalog } from "@pratique/contracts";
import { CATALOG_FILES } from "@pratique/packaging";
import { writeFileDurably } from "@pratique/store";

export interface CatalogFile {
  readonly path: string;
  readonly text: string;
  readonly catalog: Catalog;
}

/** @throws `catalog.no-file`, and whatever reading a catalog throws */
export async function readCatalogFile(directory: string): Promise<CatalogFile> {
  const path = await findCatalogFile(directory);
  if (path === undefined) throw catalogErrors("catalog.no-file", { directory });
  const bytes = await readFile(path);
  return { path, text: bytes.toString("utf8"), catalog: parseCatalog(bytes, path) };
}

export async function findCatalogFile(directory: string): Promise<string | undefined> {
  if (!isAbsolute(directory)) throw catalogErrors("catalog.no-file", { directory });
  for (const name of CATALOG_FILES) {
    const path = join(directory, name);
    const found = await lstat(path).catch(() => undefined);
    if (found === undefined) continue;
    const reason = !found.isFile()
      ? "it is no plain file"
      : found.size > DOCUMENT_LIMITS.bytes
        ? "it is too large"
        : undefined;
    if (reason !== undefined) throw catalogErrors("catalog.unreadable", { file: path, detail: reason });
    return path;
  }
  return undefined;
}

export async function createCatalogFile(directory: string, text: string): Promise<string> {
  const there = await findCatalogFile(directory);
  if (there !== undefined) throw catalogErrors("catalog.exists", { file: there });
  await mkdir(directory, { recursive: true });
  const path = join(directory, CATALOG_FILES[0]);
  await writeFileDurably(path, text, { mode: 0o644 });
  return path;
}

/** Checked before it is written: a file that is there stays readable. @returns the catalog as it is then */
export async function changeCatalogFile(file: CatalogFile, edit: CatalogEdit): Promise<Catalog> {
  const text = file.path.endsWith(".json") ? editJson(file, edit) : editCatalog(file.text, edit);
  const catalog = parseCatalog(Buffer.from(text), file.path);
  await writeFileDurably(file.path, text, { mode: 0o644 });
  return catalog;
}

function editJson({ text, path }: CatalogFile, edit: CatalogEdit): string {
  const catalog = checkCatalog(readDocument(Buffer.from(text), path), path);
  const entries = new Map(catalog.entries.map((entry) => [entry.name, entry]));
  for (const entry of edit.entries) entries.set(entry.name, entry);
  const { version = catalog.version, other = catalog.other } = edit;
  return `${JSON.stringify({ ...catalog, version, other, entries: [...entries.values()] }, null, 2)}\n`;
}
