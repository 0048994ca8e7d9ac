// Where things lie in a bucket: an image layout a repository, as on disk, and every blob once under `.pool`.
import { algorithmOf, digestOf, hexOf, isDigest, type Digest } from "@pratique/core";
import { INDEX_FILE, LAYOUT_FILE } from "../local/layout-file.ts";
import { mayHoldRepositories, POOL, repositoryDirectory, repositoryName, UPLOADS } from "../local/store-paths.ts";

const LEAVING = ".leaving";

export class BucketKeys {
  /** Empty, or ends with a slash. */
  readonly #prefix: string;

  constructor(prefix = "") {
    this.#prefix = prefix === "" || prefix.endsWith("/") ? prefix : `${prefix}/`;
  }

  get root(): string {
    return this.#prefix;
  }

  get pool(): string {
    return `${this.#prefix}${POOL}/`;
  }

  get uploads(): string {
    return `${this.#prefix}${UPLOADS}/`;
  }

  /** Where content is for the moment while collection makes sure that nobody has it. */
  leaving(digest: Digest): string {
    return `${this.#prefix}${LEAVING}/${algorithmOf(digest)}/${hexOf(digest)}`;
  }

  /** Where scrub puts content that is not its digest's. */
  quarantine(digest: Digest): string {
    return `${this.#prefix}.quarantine/${algorithmOf(digest)}/${hexOf(digest)}`;
  }

  isPooled(key: string): boolean {
    return key.startsWith(this.pool);
  }

  isLeaving(key: string): boolean {
    return key.startsWith(`${this.#prefix}${LEAVING}/`);
  }

  get collectLock(): string {
    return `${this.#prefix}.collect`;
  }

  get probe(): string {
    return `${this.#prefix}.probe`;
  }

  layout(name: string): string {
    return `${this.#prefix}${repositoryDirectory("", name)}/`;
  }

  index(name: string): string {
    return this.layout(name) + INDEX_FILE;
  }

  layoutFile(name: string): string {
    return this.layout(name) + LAYOUT_FILE;
  }

  /** The mark that a repository has a blob; it stands where the layout would have the blob itself. */
  member(name: string, digest: Digest): string {
    return `${this.layout(name)}blobs/${algorithmOf(digest)}/${hexOf(digest)}`;
  }

  members(name: string): string {
    return `${this.layout(name)}blobs/`;
  }

  blob(digest: Digest): string {
    return `${this.pool}${algorithmOf(digest)}/${hexOf(digest)}`;
  }

  /** An upload is found only through its own repository. */
  upload(name: string, id: string): string {
    return `${this.uploads}${id}.${hexOf(digestOf(name)).slice(0, 32)}/`;
  }

  /** The digest that a key below `blobs/` or the pool ends with. */
  digestIn(key: string): Digest | undefined {
    const [algorithm = "", hex = ""] = key.split("/").slice(-2);
    const digest = `${algorithm}:${hex}`;
    return isDigest(digest) ? digest : undefined;
  }

  /** The repository of a layout's key without the rest, such as `PREFIXa/b/`. */
  repository(layoutKey: string): string {
    return repositoryName("", layoutKey.slice(this.#prefix.length).replace(/\/$/, ""));
  }

  /** Repository and digest of the mark that a key is, if it is one. */
  memberIn(key: string): { readonly name: string; readonly digest: Digest } | undefined {
    const digest = this.digestIn(key);
    const parts = key.slice(this.#prefix.length).split("/");
    const layout = parts.slice(0, -3);
    if (digest === undefined || parts.at(-3) !== "blobs" || layout.length === 0) return undefined;
    if (!layout.every(mayHoldRepositories)) return undefined;
    return { name: repositoryName("", layout.join("/")), digest };
  }
}
