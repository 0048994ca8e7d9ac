// A repository in a registry (distribution-spec 1.1).
import { algorithmOf, digestOf, isDigest, Mutex, readBounded, type Digest } from "@pratique/core";
import type { Readable } from "node:stream";
import { z } from "zod";
import type { Descriptor } from "../descriptor.schema.ts";
import { ociErrors } from "../errors.ts";
import {
  ImageIndex,
  MANIFEST_LIMIT_BYTES,
  manifestDigest,
  parseManifest,
  referrerDescriptor,
} from "../manifest.schema.ts";
import { MANIFEST_MEDIA_TYPES, MEDIA_TYPES } from "../media-types.ts";
import { isTag, type Reference } from "../reference.ts";
import type {
  ByteRange,
  ExpectedBlob,
  FetchOptions,
  FileSource,
  Landing,
  LandOptions,
  Manifest,
  PutManifestOptions,
  Repository,
  StoredBlob,
} from "../repository.ts";
import { downloadBlob } from "./blob-download.ts";
import { oneChunk } from "./one-chunk.ts";
import { uploadBlob } from "./blob-upload.ts";
import { downloadFile } from "./download-file.ts";
import { uploadFile } from "./file-upload.ts";
import { landBlob } from "./land-blob.ts";
import { mediaTypeOf } from "./media-type-of.ts";
import { nextLink } from "./link-header.ts";
import {
  encodeReferrersIndex,
  isSameList,
  readReferrersIndex,
  referrersTag,
  withoutReferrer,
  withReferrer,
} from "./referrers-tag.ts";
import { RegistrySession, type Answer, type RegistryRequest, type SessionOptions } from "./registry-session.ts";

const LIST_LIMIT_BYTES = 16 * 1024 * 1024;
const PAGES_LIMIT = 1000;
const FALLBACK_ATTEMPTS = 4;
const ACCEPT = { accept: MANIFEST_MEDIA_TYPES.join(", ") };

const TagList = z.looseObject({ tags: z.array(z.string()).nullish() });

export interface RemoteOptions extends SessionOptions {
  /** A session to share: connections, tokens and credentials of this registry. The other options are then its own. */
  readonly session?: RegistrySession | undefined;
}

/**
 * The repository that a reference names; its tag and digest do not matter. Asks nothing yet.
 * @throws (its methods) `registry.unreachable`, `registry.unauthorized`, `registry.denied`, `registry.failed`, `digest.mismatch`
 */
export function remoteRepository(reference: Reference, options: RemoteOptions = {}): Repository {
  const session = options.session ?? new RegistrySession(reference.registry, options);
  return new RemoteRepository(reference.repository, session);
}

class RemoteRepository implements Repository {
  readonly name: string;
  readonly origin: string;
  readonly #session: RegistrySession;
  readonly #referrersLine = new Mutex();
  /** Undefined until the registry has shown it. */
  #hasReferrersApi: boolean | undefined;

  constructor(name: string, session: RegistrySession) {
    this.name = name;
    this.origin = `registry:${session.registry}`;
    this.#session = session;
  }

  #request(
    request: Omit<RegistryRequest, "scopes"> & { readonly write?: boolean },
    ...scopes: string[]
  ): Promise<Answer> {
    const { write, ...rest } = request;
    return this.#session.request({ ...rest, scopes: [this.#scope(write === true ? "pull,push" : "pull"), ...scopes] });
  }

  #scope(actions: string): string {
    return `repository:${this.name}:${actions}`;
  }

  #manifestPath(ref: string): string {
    if (!isTag(ref) && !isDigest(ref)) {
      throw ociErrors("reference.invalid", {
        reference: ref.slice(0, 160),
        reason: "it is neither a tag nor a digest",
      });
    }
    return `/v2/${this.name}/manifests/${ref}`;
  }

  async resolve(ref: string): Promise<Descriptor | undefined> {
    const answer = await this.#request({
      method: "HEAD",
      to: this.#manifestPath(ref),
      what: `${ref} of ${this.name}`,
      expect: [200, 404],
      headers: ACCEPT,
    });
    answer.body.resume();
    if (answer.status === 404) return undefined;
    const digest = answer.headers["docker-content-digest"];
    const mediaType = mediaTypeOf(answer);
    const length = answer.headers["content-length"] ?? "";
    if (typeof digest !== "string" || !isDigest(digest) || mediaType === undefined || !/^\d{1,8}$/.test(length)) {
      return (await this.manifest(ref))?.descriptor;
    }
    if (isDigest(ref) && digest !== ref) {
      throw ociErrors("digest.mismatch", { what: `the manifest in ${this.name}`, actual: digest, expected: ref });
    }
    return { mediaType, digest, size: Number(length) };
  }

  async manifest(ref: string): Promise<Manifest | undefined> {
    const answer = await this.#request({
      method: "GET",
      to: this.#manifestPath(ref),
      what: `${ref} of ${this.name}`,
      expect: [200, 404],
      headers: ACCEPT,
    });
    if (answer.status === 404) {
      answer.body.resume();
      return undefined;
    }
    const bytes = await this.#manifestBytes(answer);
    const named = answer.headers["docker-content-digest"];
    const claimed = isDigest(ref) ? ref : typeof named === "string" && isDigest(named) ? named : undefined;
    const digest = digestOf(bytes, claimed === undefined ? "sha256" : algorithmOf(claimed));
    if (claimed !== undefined && claimed !== digest) {
      throw ociErrors("digest.mismatch", {
        what: `the manifest ${ref} of ${this.name}`,
        actual: digest,
        expected: claimed,
      });
    }
    const mediaType = mediaTypeOf(answer) ?? this.#mediaTypeInside(bytes);
    return { descriptor: { mediaType, digest, size: bytes.byteLength }, bytes, mediaType };
  }

  async #manifestBytes(answer: Answer): Promise<Buffer> {
    try {
      return await readBounded(answer.body, MANIFEST_LIMIT_BYTES, "the manifest");
    } catch (cause) {
      answer.body.destroy();
      if (cause instanceof Error && "code" in cause && cause.code === "input.too-large") {
        throw ociErrors("manifest.too-large", { limitBytes: MANIFEST_LIMIT_BYTES });
      }
      throw ociErrors("registry.unreachable", { registry: this.#session.registry, reason: "the connection broke" });
    }
  }

  /** For registries that send manifests as plain JSON. */
  #mediaTypeInside(bytes: Buffer): string {
    for (const mediaType of [MEDIA_TYPES.imageManifest, ...MANIFEST_MEDIA_TYPES]) {
      try {
        const inside = parseManifest(bytes, mediaType).manifest.mediaType;
        if (inside !== undefined) return inside;
      } catch {
        // Not of this type: the next one is tried, and none at all is the error.
      }
    }
    throw this.#session.badAnswer("it sends a manifest without its media type");
  }

  async putManifest(
    bytes: Uint8Array,
    mediaType: string,
    tag?: string,
    options: PutManifestOptions = {},
  ): Promise<Descriptor> {
    const parsed = parseManifest(bytes, mediaType);
    const digest = manifestDigest(bytes, options.digest);
    const tags = [...(tag === undefined ? [] : [tag]), ...(options.tags ?? [])];
    // Registries name what is pushed by tag by its sha256, so anything else is pushed by digest first.
    const refs = tags.length > 0 && algorithmOf(digest) === "sha256" ? tags : [digest, ...tags];
    let isListed = true;
    for (const ref of refs) isListed = await this.#sendManifest(ref, bytes, mediaType, digest);
    const subject = parsed.manifest.subject;
    if (subject !== undefined && isListed) this.#hasReferrersApi = true;
    if (subject !== undefined && !isListed) {
      const referrer = referrerDescriptor(parsed, digest, bytes.byteLength);
      await this.#changeFallback(subject.digest, (entries) => withReferrer(entries, referrer));
    }
    return { mediaType, digest, size: bytes.byteLength };
  }

  /** True when the registry says (`OCI-Subject`) that it lists the manifest among its subject's referrers itself. */
  async #sendManifest(ref: string, bytes: Uint8Array, mediaType: string, expected: Digest): Promise<boolean> {
    const answer = await this.#request({
      method: "PUT",
      to: this.#manifestPath(ref),
      what: `the manifest ${ref} of ${this.name}`,
      write: true,
      expect: [201, 200, 202],
      headers: { "content-type": mediaType },
      body: [bytes],
    });
    answer.body.resume();
    const actual = answer.headers["docker-content-digest"];
    if (typeof actual === "string" && actual.startsWith(`${algorithmOf(expected)}:`) && actual !== expected) {
      throw ociErrors("digest.mismatch", { what: "the manifest as the registry took it", actual, expected });
    }
    return answer.headers["oci-subject"] !== undefined;
  }

  /**
   * Reads, changes and writes the fallback index. Nothing locks it against other clients,
   * so it is read again until it shows the change.
   */
  #changeFallback(subject: Digest, change: (entries: readonly Descriptor[]) => readonly Descriptor[]): Promise<void> {
    const tag = referrersTag(subject);
    return this.#referrersLine.run(async () => {
      for (let attempt = 0; attempt < FALLBACK_ATTEMPTS; attempt += 1) {
        const entries = readReferrersIndex(await this.manifest(tag));
        const changed = change(entries);
        if (isSameList(changed, entries)) return;
        await this.putManifest(encodeReferrersIndex(changed), MEDIA_TYPES.imageIndex, tag);
      }
    });
  }

  async blobSize(digest: Digest): Promise<number | undefined> {
    const answer = await this.#request({
      method: "HEAD",
      to: `/v2/${this.name}/blobs/${digest}`,
      what: `blob ${digest} of ${this.name}`,
      expect: [200, 404],
    });
    answer.body.resume();
    if (answer.status === 404) return undefined;
    const length = answer.headers["content-length"] ?? "";
    if (!/^\d{1,15}$/.test(length)) throw this.#session.badAnswer("it does not say how large a blob is");
    return Number(length);
  }

  openBlob(digest: Digest, range?: ByteRange): Promise<Readable> {
    return downloadBlob({ session: this.#session, digest, range, ask: (part) => this.#askForBlob(digest, part) });
  }

  async #askForBlob(digest: Digest, part: ByteRange | undefined, isBulk = false): Promise<Answer> {
    const headers = part === undefined ? {} : { range: `bytes=${part.start}-${part.end ?? ""}` };
    const answer = await this.#request({
      method: "GET",
      to: `/v2/${this.name}/blobs/${digest}`,
      what: `blob ${digest} of ${this.name}`,
      expect: part === undefined ? [200, 404] : [200, 206, 404, 416],
      headers: { "accept-encoding": "identity", ...headers },
      isBulk,
    });
    if (answer.status < 300) return answer;
    answer.body.resume();
    if (answer.status === 404) throw ociErrors("blob.not-found", { digest, repository: this.name });
    throw ociErrors("blob.range-invalid", { sizeBytes: "available" });
  }

  fetchBlob(blob: StoredBlob, path: string, options: FetchOptions = {}): Promise<void> {
    const ask = (part: ByteRange | undefined) => this.#askForBlob(blob.digest, part, true);
    return downloadFile({ session: this.#session, blob, path, ask, ...options });
  }

  landBlob(blob: StoredBlob, landing: Landing, options: LandOptions): Promise<void> {
    const ask = (range: ByteRange | undefined, isBulk: boolean) => this.#askForBlob(blob.digest, range, isBulk);
    return landBlob({ session: this.#session, blob, landing, options, ask });
  }

  putFile(source: FileSource): Promise<StoredBlob> {
    return uploadFile(this.#uploadTarget(), source);
  }

  #uploadTarget(): { session: RegistrySession; repository: string; scopes: string[] } {
    return { session: this.#session, repository: this.name, scopes: [this.#scope("pull,push")] };
  }

  putBlob(source: Uint8Array | AsyncIterable<Uint8Array>, expected: ExpectedBlob = {}): Promise<StoredBlob> {
    return uploadBlob(this.#uploadTarget(), source instanceof Uint8Array ? oneChunk(source) : source, expected);
  }

  async mountBlob(digest: Digest, from: string): Promise<boolean> {
    const query = `mount=${encodeURIComponent(digest)}&from=${encodeURIComponent(from)}`;
    const answer = await this.#request(
      {
        method: "POST",
        to: `/v2/${this.name}/blobs/uploads/?${query}`,
        what: `a mount into ${this.name}`,
        write: true,
        expect: [201, 202],
      },
      `repository:${from}:pull`,
    );
    answer.body.resume();
    if (answer.status === 201) return true;
    // The registry began an ordinary upload instead; nobody will finish it.
    const location = answer.headers.location;
    if (location !== undefined) {
      const to = this.#session.resolve(location, answer.url);
      const what = `an upload to ${this.name}`;
      const ended = await this.#request({ method: "DELETE", to, what, write: true, expect: [202, 204, 404, 405] });
      ended.body.resume();
    }
    return false;
  }

  async tags(): Promise<string[]> {
    const tags = new Set<string>();
    await this.#pages(`/v2/${this.name}/tags/list?n=1000`, {}, (json) => {
      const list = TagList.safeParse(json);
      if (!list.success) throw this.#session.badAnswer("its list of tags is none");
      for (const tag of list.data.tags ?? []) if (isTag(tag)) tags.add(tag);
    });
    return [...tags].sort();
  }

  /** Reads a list page by page; false when there is none. */
  async #pages(
    path: string,
    headers: Record<string, string>,
    read: (json: unknown, answer: Answer) => void,
  ): Promise<boolean> {
    let to: string | URL = path;
    for (let page = 0; page < PAGES_LIMIT; page += 1) {
      const answer: Answer = await this.#request({
        method: "GET",
        to,
        what: `a list of ${this.name}`,
        expect: [200, 404],
        headers,
      });
      if (answer.status === 404) {
        answer.body.resume();
        return page > 0;
      }
      read(await this.#session.json(answer.body, LIST_LIMIT_BYTES), answer);
      const next = nextLink(answer.headers.link);
      if (next === undefined) return true;
      to = this.#session.resolve(next, answer.url);
    }
    throw this.#session.badAnswer("its list has no end");
  }

  async #delete(path: string, what: string): Promise<boolean> {
    const answer = await this.#request(
      { method: "DELETE", to: path, what, expect: [202, 200, 204, 404] },
      this.#scope("delete"),
    );
    answer.body.resume();
    return answer.status !== 404;
  }

  async deleteTag(tag: string): Promise<boolean> {
    return this.#delete(this.#manifestPath(tag), `tag ${tag} of ${this.name}`);
  }

  async deleteManifest(digest: Digest): Promise<boolean> {
    const manifest = await this.manifest(digest);
    if (manifest === undefined) return false;
    const subject = parseManifest(manifest.bytes, manifest.mediaType).manifest.subject;
    const isDeleted = await this.#delete(this.#manifestPath(digest), `manifest ${digest} of ${this.name}`);
    if (subject !== undefined && isDeleted && !(await this.#knowsReferrers(subject.digest))) {
      await this.#changeFallback(subject.digest, (entries) => withoutReferrer(entries, digest));
    }
    return isDeleted;
  }

  async #knowsReferrers(subject: Digest): Promise<boolean> {
    if (this.#hasReferrersApi === undefined) await this.referrers(subject);
    return this.#hasReferrersApi === true;
  }

  async deleteBlob(digest: Digest): Promise<boolean> {
    return this.#delete(`/v2/${this.name}/blobs/${digest}`, `blob ${digest} of ${this.name}`);
  }

  async referrers(digest: Digest, artifactType?: string): Promise<Descriptor[]> {
    const found = new Map<Digest, Descriptor>();
    const query = artifactType === undefined ? "" : `?artifactType=${encodeURIComponent(artifactType)}`;
    const accept = { accept: MEDIA_TYPES.imageIndex };
    const isThere = await this.#pages(`/v2/${this.name}/referrers/${digest}${query}`, accept, (json) => {
      const index = ImageIndex.safeParse(json);
      if (!index.success) throw this.#session.badAnswer("its list of referrers is no image index");
      for (const entry of index.data.manifests) found.set(entry.digest, entry);
    });
    this.#hasReferrersApi = isThere;
    const all = isThere ? [...found.values()] : readReferrersIndex(await this.manifest(referrersTag(digest)));
    // The filter is the registry's to apply or not (`OCI-Filters-Applied`), so it is applied here too.
    return all.filter((entry) => artifactType === undefined || entry.artifactType === artifactType);
  }
}
