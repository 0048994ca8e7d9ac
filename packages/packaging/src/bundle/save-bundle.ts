// A bundle: artifacts with their evidence as one OCI layout in a tar, to be carried where no network goes.
import type { Digest } from "@pratique/core";
import {
  contentOf,
  MEDIA_TYPES,
  ociErrors,
  parseManifest,
  type Descriptor,
  type Manifest,
  type Repository,
} from "@pratique/oci";
import { writeTar, type TarEntry } from "../archive/tar-writer.ts";
import { packagingErrors } from "../errors.ts";

export interface BundleRoot {
  /** `team/agent:1.0.0`: the repository and tag that it gets again where the bundle is loaded. */
  readonly name: string;
  readonly repository: Repository;
  readonly digest: Digest;
}

export interface Bundle {
  readonly artifacts: number;
  readonly blobs: number;
  /** Bytes of all blobs. */
  readonly sizeBytes: number;
  /** The archive; equal artifacts make equal bytes. */
  bytes(): AsyncIterable<Uint8Array>;
}

const NAME = "org.opencontainers.image.ref.name";
const REPOSITORY_NAME = "dev.pratique.repository";
const MANIFESTS_LIMIT = 10_000;

/** Finds everything that the roots need, and what refers to it. @throws `manifest.not-found`, `bundle.too-large` */
export async function planBundle(roots: readonly BundleRoot[]): Promise<Bundle> {
  const blobs = new Map<Digest, TarEntry & { readonly size: number }>();
  const listed = new Map<string, Descriptor>();
  let manifests = 0;

  const addBlob = ({ digest, size }: Pick<Descriptor, "digest" | "size">, repository: Repository): void => {
    const path = `blobs/${digest.replace(":", "/")}`;
    blobs.set(digest, { type: "file", path, size, open: () => lazily(repository, digest) });
  };
  const addTree = async (repository: Repository, digest: Digest): Promise<Manifest> => {
    const manifest = await repository.manifest(digest);
    if (manifest === undefined)
      throw ociErrors("manifest.not-found", { repository: repository.name, reference: digest });
    if (blobs.has(digest)) return manifest;
    if (++manifests > MANIFESTS_LIMIT) throw packagingErrors("bundle.too-large", { limit: MANIFESTS_LIMIT });
    addBlob(manifest.descriptor, repository);
    const parsed = parseManifest(manifest.bytes, manifest.mediaType);
    for (const content of contentOf(parsed)) {
      if (parsed.type === "index") await addTree(repository, content.digest);
      else if ((await repository.blobSize(content.digest)) !== undefined) addBlob(content, repository);
      // Foreign layers are fetched from where they say (image-spec, layer.md); all others must be there.
      else if ((content.urls ?? []).length === 0) {
        throw ociErrors("blob.not-found", { digest: content.digest, repository: repository.name });
      }
    }
    for (const referrer of await repository.referrers(digest)) {
      const { descriptor } = await addTree(repository, referrer.digest);
      // A layout finds referrers among the manifests that its index lists.
      listed.set(descriptor.digest, plain(descriptor));
    }
    return manifest;
  };
  for (const { name, repository, digest } of roots) {
    const { descriptor } = await addTree(repository, digest);
    const annotations = { [REPOSITORY_NAME]: name, [NAME]: name };
    listed.set(`${digest} ${name}`, { ...plain(descriptor), annotations });
  }
  const index = {
    schemaVersion: 2,
    mediaType: MEDIA_TYPES.imageIndex,
    manifests: [...listed.values()].toSorted(byPlace),
  };
  const entries: TarEntry[] = [
    ...blobs.values(),
    { type: "file", path: "index.json", body: Buffer.from(JSON.stringify(index)) },
    { type: "file", path: "oci-layout", body: Buffer.from('{"imageLayoutVersion":"1.0.0"}') },
  ];
  const sizeBytes = [...blobs.values()].reduce((sum, { size }) => sum + size, 0);
  return { artifacts: roots.length, blobs: blobs.size, sizeBytes, bytes: () => writeTar(entries) };
}

function plain({ mediaType, digest, size }: Descriptor): Descriptor {
  return { mediaType, digest, size };
}

/** Named ones first, each by name; then the rest by digest. */
function byPlace(left: Descriptor, right: Descriptor): number {
  const place = ({ annotations, digest }: Descriptor): string => `${annotations?.[NAME] ?? "~"} ${digest}`;
  return place(left) < place(right) ? -1 : 1;
}

async function* lazily(repository: Repository, digest: Digest): AsyncGenerator<Uint8Array> {
  yield* await repository.openBlob(digest);
}
