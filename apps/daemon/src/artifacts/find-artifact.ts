// From what a person types to a digest in the embedded registry.
import type { Kind } from "@pratique/contracts";
import {
  formatReference,
  parseReference,
  type ContentStore,
  type Descriptor,
  type LocalRepository,
} from "@pratique/oci";
import { kindOfManifest } from "@pratique/packaging";
import { daemonErrors } from "../errors.ts";

/** An artifact in the embedded registry. */
export interface Found {
  readonly repository: LocalRepository;
  /** For people: `localhost:7340/voyage/harbour:1.0.0`. */
  readonly reference: string;
  readonly descriptor: Descriptor;
  readonly kind: Kind;
}

/** Names under which the embedded registry answers. */
export function isOwnRegistry(registry: string, own: string): boolean {
  const port = own.slice(own.lastIndexOf(":"));
  return [own, `localhost${port}`, `127.0.0.1${port}`, `[::1]${port}`].includes(registry);
}

/**
 * Resolves a reference in the embedded registry; a missing registry means this one, a missing tag `latest`.
 * @throws `reference.invalid`, `reference.not-local`, `artifact.not-found`
 */
export async function findArtifact(store: ContentStore, ownRegistry: string, text: string): Promise<Found> {
  const parsed = parseReference(text, { registry: ownRegistry, tag: "latest" });
  if (!isOwnRegistry(parsed.registry, ownRegistry)) throw daemonErrors("reference.not-local", { reference: text });
  const reference = formatReference({ ...parsed, registry: ownRegistry });
  const repository = store.repository(parsed.repository);
  const manifest = await repository.manifest(parsed.digest ?? parsed.tag ?? "latest");
  if (manifest === undefined) throw daemonErrors("artifact.not-found", { reference });
  return { repository, reference, descriptor: manifest.descriptor, kind: kindOfManifest(manifest) };
}
