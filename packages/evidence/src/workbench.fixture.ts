// What the tests of this package work on: a real content store with one small artifact, and a signing key.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { digestOf, manualClock, silentLog, type JsonObject, type ManualClock } from "@pratique/core";
import { MEDIA_TYPES, openContentStore, type Descriptor, type LocalRepository, type Repository } from "@pratique/oci";
import { BUNDLE_TYPE } from "./media-types.ts";
import { openSigningKey } from "./signing-key.ts";
import type { SigningKey } from "./signing/signing-key.ts";
import type { Trust } from "./trust.ts";

export interface Workbench {
  readonly directory: string;
  readonly repo: LocalRepository;
  readonly subject: Descriptor;
  readonly key: SigningKey;
  readonly otherKey: SigningKey;
  /** Trusts `key` as `owner`. */
  readonly trust: Trust;
  readonly clock: ManualClock;
  pushArtifact(text: string, annotations?: JsonObject): Promise<Descriptor>;
  /** Attaches bytes as a bundle, whatever they are. */
  pushBundle(bytes: Uint8Array, changes?: JsonObject): Promise<Descriptor>;
  close(): Promise<void>;
}

export async function openWorkbench(): Promise<Workbench> {
  const directory = await mkdtemp(join(tmpdir(), "pratique-evidence-"));
  const clock = manualClock("2026-11-01T00:00:00Z");
  const store = await openContentStore(join(directory, "registry"), { clock, log: silentLog });
  const repo = store.repository("voyage/harbour");
  const key = await openSigningKey(join(directory, "keys"));
  const otherKey = await openSigningKey(join(directory, "other-keys"));

  const pushArtifact = async (text: string, annotations: JsonObject = {}): Promise<Descriptor> => {
    const config = await repo.putBlob(Buffer.from("{}"));
    const layer = await repo.putBlob(Buffer.from(text));
    const manifest = {
      schemaVersion: 2,
      mediaType: MEDIA_TYPES.imageManifest,
      artifactType: "application/vnd.example",
      config: { mediaType: MEDIA_TYPES.empty, ...config },
      layers: [{ mediaType: "text/plain", ...layer }],
      annotations,
    };
    return repo.putManifest(Buffer.from(JSON.stringify(manifest)), MEDIA_TYPES.imageManifest);
  };
  const subject = await pushArtifact("hello");

  const pushBundle = async (bytes: Uint8Array, changes: JsonObject = {}): Promise<Descriptor> => {
    const config = await repo.putBlob(Buffer.from("{}"));
    const layer = await repo.putBlob(bytes);
    const manifest = {
      schemaVersion: 2,
      mediaType: MEDIA_TYPES.imageManifest,
      artifactType: BUNDLE_TYPE,
      config: { mediaType: MEDIA_TYPES.empty, ...config },
      layers: [{ mediaType: BUNDLE_TYPE, ...layer }],
      subject: { mediaType: subject.mediaType, digest: subject.digest, size: subject.size },
      ...changes,
    };
    return repo.putManifest(Buffer.from(JSON.stringify(manifest)), MEDIA_TYPES.imageManifest);
  };

  return {
    directory,
    repo,
    subject,
    key,
    otherKey,
    trust: { keys: [{ name: "owner", publicKeyPem: key.publicKeyPem }] },
    clock,
    pushArtifact,
    pushBundle,
    close: async () => {
      await store.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

/** A digest of some policy. */
export const POLICY_A = digestOf("policy a");
export const POLICY_B = digestOf("policy b");

/** The repository with parts of it replaced: one that misbehaves on command. */
export function replacing(repo: Repository, changes: Partial<Repository>): Repository {
  return {
    name: repo.name,
    resolve: (ref) => repo.resolve(ref),
    manifest: (ref) => repo.manifest(ref),
    putManifest: (bytes, mediaType, tag) => repo.putManifest(bytes, mediaType, tag),
    blobSize: (digest) => repo.blobSize(digest),
    openBlob: (digest, range) => repo.openBlob(digest, range),
    putBlob: (source, expected) => repo.putBlob(source, expected),
    mountBlob: (digest, from) => repo.mountBlob(digest, from),
    tags: () => repo.tags(),
    deleteTag: (tag) => repo.deleteTag(tag),
    deleteManifest: (digest) => repo.deleteManifest(digest),
    deleteBlob: (digest) => repo.deleteBlob(digest),
    referrers: (digest, artifactType) => repo.referrers(digest, artifactType),
    ...changes,
  };
}
