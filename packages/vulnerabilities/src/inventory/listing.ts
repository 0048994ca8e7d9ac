// What an artifact is made of, as the inventory keeps it: whole for who scans it, and by package for who asks what has it.
import { constants, zstdCompressSync, zstdDecompressSync } from "node:zlib";
import type { PackageComponent } from "@pratique/contracts";
import { digestOf, hexOf } from "@pratique/core";
import type { NewInventoryDocument, NewInventoryPackage, PackageKey } from "@pratique/store";
import { componentKeys } from "../database/component-keys.ts";

export interface Unread {
  readonly path: string;
  readonly reason: string;
}

/** How it came to be known what an artifact is made of. */
export type ListingOrigin =
  /** A bill of materials that a trusted key signed. */
  | "attestation"
  /** Looked through here. */
  | "catalogue";

/** The list of what is in an artifact. */
export interface Listing {
  /** Equal keys, equal lists. */
  readonly key: string;
  readonly origin: ListingOrigin;
  /** Who signed it: the name that trust knows. */
  readonly signer?: string | undefined;
  readonly components: readonly PackageComponent[];
  /** What was there and could not be read. */
  readonly unread: readonly Unread[];
}

/** A decompressed list may be this large. */
const CONTENT_LIMIT_BYTES = 512 * 1024 * 1024;

export function documentOf(listing: Listing): NewInventoryDocument {
  const { key, origin, signer, components, unread } = listing;
  const content = zstdCompressSync(JSON.stringify({ components, unread }), {
    params: { [constants.ZSTD_c_compressionLevel]: 3 },
  });
  return {
    key,
    origin,
    body: JSON.stringify({ ...(signer === undefined ? {} : { signer }), components: components.length }),
    content,
    packages: components.map(packageKeyOf),
  };
}

/** What `documentOf` made: our own bytes, from our own database. */
export function listingOf(row: { key: string; origin: string; body: string; content: Uint8Array }): Listing {
  const text = zstdDecompressSync(row.content, { maxOutputLength: CONTENT_LIMIT_BYTES }).toString("utf8");
  const { components, unread } = JSON.parse(text) as Pick<Listing, "components" | "unread">;
  const { signer } = JSON.parse(row.body) as { signer?: string };
  const origin = row.origin === "attestation" ? "attestation" : "catalogue";
  return { key: row.key, origin, signer, components, unread };
}

/** What of a component decides which advisories concern it. */
type PackageFacts = Pick<
  PackageComponent,
  "type" | "namespace" | "name" | "version" | "purl" | "source" | "distribution" | "fixedVulnerabilities"
>;

function factsOf(component: PackageComponent): PackageFacts {
  const { type, namespace, name, version, purl, source, distribution, fixedVulnerabilities } = component;
  // The order of keys is part of the key.
  return { type, namespace, name, version, purl, source, distribution, fixedVulnerabilities };
}

/** Names a package: components that are the same to advisories have the same. */
export function packageKeyOf(component: PackageComponent): string {
  return hexOf(digestOf(JSON.stringify(factsOf(component)))).slice(0, 32);
}

export function packageRowOf(component: PackageComponent): NewInventoryPackage {
  const { namespace = "", name, source } = component;
  return {
    key: packageKeyOf(component),
    name: (namespace === "" ? name : `${namespace}/${name}`).toLowerCase(),
    baseName: name.toLowerCase(),
    sourceName: source === undefined ? null : source.name.toLowerCase(),
    component: JSON.stringify(factsOf(component)),
    lookups: lookupsOf(component),
  };
}

/** The component that a row of the inventory stands for: without the places where it lies. */
export function componentOf(row: { readonly component: string }): PackageComponent {
  return { licences: [], locations: [], ...(JSON.parse(row.component) as PackageFacts) };
}

function lookupsOf(component: PackageComponent): string[] {
  const found = componentKeys(component);
  return typeof found === "string" ? [] : found.keys.map(lookupOf);
}

/** The name under which the inventory finds the packages that an advisory concerns. */
export function lookupOf({ ecosystem, name }: PackageKey): string {
  return `${ecosystem} ${name}`;
}
