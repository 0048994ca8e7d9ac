// Where things lie: one OCI image layout a repository, nested names without collision, internals behind a dot.
import { algorithmOf, hexOf, type Digest } from "@pratique/core";
import { join, relative, sep } from "node:path";

/** Names that image-layout.md gives to a layout's own files; a repository component of that name gets a `_`. */
const LAYOUT_NAMES: ReadonlySet<string> = new Set(["blobs", "oci-layout", "index.json"]);

/** No repository component starts with a dot or an underscore, so none of these can be one. */
export const POOL = ".pool";
export const UPLOADS = ".uploads";
export const LEASES = ".leases.json";
const ESCAPE = "_";

/** Directory of a (valid) repository name. */
export function repositoryDirectory(root: string, name: string): string {
  return join(root, ...name.split("/").map((part) => (LAYOUT_NAMES.has(part) ? ESCAPE + part : part)));
}

/** The reverse of `repositoryDirectory`. */
export function repositoryName(root: string, directory: string): string {
  const parts = relative(root, directory).split(sep);
  return parts.map((part) => (part.startsWith(ESCAPE) ? part.slice(ESCAPE.length) : part)).join("/");
}

/** True for a directory entry that may lead to (more) repositories. */
export function mayHoldRepositories(entryName: string): boolean {
  return !entryName.startsWith(".") && !LAYOUT_NAMES.has(entryName);
}

/** Where a layout keeps a blob: `blobs/<algorithm>/<hex>`. */
export function blobFile(layoutDirectory: string, digest: Digest): string {
  return join(layoutDirectory, "blobs", algorithmOf(digest), hexOf(digest));
}
