// What a repository holds at one moment: its manifests and tags. A change makes a new snapshot.
import { isDigest, type Digest } from "@pratique/core";
import type { Descriptor } from "../descriptor.schema.ts";
import { contentOf, referrerDescriptor, type ParsedManifest } from "../manifest.schema.ts";

/** The facts of a manifest that questions are answered from. */
export interface StoredManifest {
  readonly descriptor: Descriptor;
  /** As the referrers API lists it. */
  readonly asReferrer: Descriptor;
  readonly subject: Digest | undefined;
  readonly isIndex: boolean;
  readonly content: ReadonlySet<Digest>;
}

export function storedManifest(parsed: ParsedManifest, digest: Digest, size: number): StoredManifest {
  return {
    descriptor: { mediaType: parsed.mediaType, digest, size },
    asReferrer: referrerDescriptor(parsed, digest, size),
    subject: parsed.manifest.subject?.digest,
    isIndex: parsed.type === "index",
    content: new Set(contentOf(parsed).map((descriptor) => descriptor.digest)),
  };
}

export class Snapshot {
  readonly manifests: ReadonlyMap<Digest, StoredManifest>;
  readonly tags: ReadonlyMap<string, Digest>;
  #referrers: Map<Digest, Descriptor[]> | undefined;

  constructor(
    manifests: ReadonlyMap<Digest, StoredManifest> = new Map(),
    tags: ReadonlyMap<string, Digest> = new Map(),
  ) {
    this.manifests = manifests;
    this.tags = tags;
  }

  /** The manifest that a tag or digest names. */
  find(ref: string): StoredManifest | undefined {
    const digest = isDigest(ref) ? ref : this.tags.get(ref);
    return digest === undefined ? undefined : this.manifests.get(digest);
  }

  referrersOf(subject: Digest): readonly Descriptor[] {
    if (this.#referrers === undefined) {
      const bySubject = new Map<Digest, Descriptor[]>();
      for (const manifest of this.manifests.values()) {
        if (manifest.subject === undefined) continue;
        const known = bySubject.get(manifest.subject);
        if (known === undefined) bySubject.set(manifest.subject, [manifest.asReferrer]);
        else known.push(manifest.asReferrer);
      }
      this.#referrers = bySubject;
    }
    return this.#referrers.get(subject) ?? [];
  }

  /** A manifest that cannot be had without this content. */
  userOf(digest: Digest): Digest | undefined {
    for (const [user, manifest] of this.manifests) if (manifest.content.has(digest)) return user;
    return undefined;
  }

  /** This snapshot itself when there is nothing to change. */
  withManifest(manifest: StoredManifest, newTags: readonly string[]): Snapshot {
    const { digest, mediaType } = manifest.descriptor;
    const isKnown = this.manifests.get(digest)?.descriptor.mediaType === mediaType;
    if (isKnown && newTags.every((tag) => this.tags.get(tag) === digest)) return this;
    const manifests = isKnown ? this.manifests : new Map(this.manifests).set(digest, manifest);
    const tags = new Map(this.tags);
    for (const tag of newTags) tags.set(tag, digest);
    return new Snapshot(manifests, tags);
  }

  withoutTag(tag: string): Snapshot {
    const tags = new Map(this.tags);
    tags.delete(tag);
    return new Snapshot(this.manifests, tags);
  }

  withoutManifest(digest: Digest): Snapshot {
    const manifests = new Map(this.manifests);
    manifests.delete(digest);
    return new Snapshot(manifests, new Map([...this.tags].filter(([, target]) => target !== digest)));
  }
}
