// Change review of a catalog's file against what is published, and what somebody has accepted.
import { readFile } from "node:fs/promises";
import { isAbsolute, join } from "node:path";
import { catalogErrors, encodeCatalog, publishProblems, reviewCatalog } from "@pratique/catalog";
import type { Catalog, CatalogReviewResult, CatalogSide } from "@pratique/contracts";
import { digestOf, isJsonObject, parseJson } from "@pratique/core";
import { readCatalogArtifact } from "@pratique/packaging";
import { writeFileDurably } from "@pratique/store";
import type { Artifacts } from "../artifacts/artifacts.ts";
import { readCatalogFile } from "./catalog-file.ts";

/** Beside catalog.yaml: which step from one catalog to the next was accepted. It is made to be committed with it. */
const ACCEPTED_FILE = "catalog-accepted.json";

export interface CatalogAt {
  readonly place: string;
  readonly catalog: Catalog;
}

/** The same for the same content, whenever it was published. */
export function contentDigest(catalog: Catalog): string {
  const entries = catalog.entries
    .filter(({ status }) => status !== "deleted")
    .map((entry) => ({
      ...entry,
      publishedAt: undefined,
      updatedAt: undefined,
      network: { hosts: entry.network.hosts },
    }));
  return digestOf(encodeCatalog({ ...catalog, version: "", entries }));
}

export function review(from: CatalogAt | undefined, to: CatalogAt, isAccepted: boolean): CatalogReviewResult {
  const { changes, widens } = reviewCatalog(from?.catalog, to.catalog);
  return {
    ...(from === undefined ? {} : { from: sideOf(from) }),
    to: sideOf(to),
    changes: [...changes],
    // The first one that is published widens nothing: there was nothing.
    widens: widens && from !== undefined,
    accepted: isAccepted,
    problems: publishProblems(to.catalog),
  };
}

function sideOf({ place, catalog }: CatalogAt): CatalogSide {
  const { name, version, entries } = catalog;
  const live = entries.filter(({ status }) => status !== "deleted");
  return { place, name, version, digest: contentDigest(catalog), entries: live.length };
}

/** A directory, or a reference of the own registry. */
export async function catalogAt(artifacts: Artifacts, place: string): Promise<CatalogAt> {
  if (isAbsolute(place)) {
    const { path, catalog } = await readCatalogFile(place);
    return { place: path, catalog };
  }
  const found = await artifacts.find(place);
  const { digest } = found.descriptor;
  const at = found.reference.includes("@") ? found.reference : `${found.reference}@${digest}`;
  return { place: at, catalog: await readCatalogArtifact(found.repository, digest) };
}

/** What a reference names now; undefined when nothing is there yet. */
export async function publishedAt(artifacts: Artifacts, reference: string): Promise<CatalogAt | undefined> {
  try {
    return await catalogAt(artifacts, reference);
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "artifact.not-found") return undefined;
    throw error;
  }
}

interface Accepted {
  /** Empty: nothing was published. */
  readonly from: string;
  readonly to: string;
}

export async function isAccepted(directory: string, from: CatalogAt | undefined, to: CatalogAt): Promise<boolean> {
  const accepted = await readAccepted(directory);
  return accepted?.from === fromDigest(from) && accepted.to === contentDigest(to.catalog);
}

export async function accept(directory: string, from: CatalogAt | undefined, to: CatalogAt): Promise<void> {
  const accepted: Accepted = { from: fromDigest(from), to: contentDigest(to.catalog) };
  await writeFileDurably(join(directory, ACCEPTED_FILE), `${JSON.stringify(accepted, null, 2)}\n`, { mode: 0o644 });
}

function fromDigest(from: CatalogAt | undefined): string {
  return from === undefined ? "" : contentDigest(from.catalog);
}

async function readAccepted(directory: string): Promise<Accepted | undefined> {
  const path = join(directory, ACCEPTED_FILE);
  const text = await readFile(path, "utf8").catch(() => undefined);
  if (text === undefined) return undefined;
  const json = text.length > 10_000 ? undefined : parseJson(text, path);
  if (!isJsonObject(json) || typeof json["from"] !== "string" || typeof json["to"] !== "string") {
    throw catalogErrors("catalog.unreadable", { file: path, detail: "it names no digests" });
  }
  return { from: json["from"], to: json["to"] };
}
