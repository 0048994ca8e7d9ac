// Manifests that came from upstream and are in no cache yet, or never will be: a few, for those who ask just now.
import type { Manifest } from "@pratique/oci";

const KEPT_BYTES = 16 * 1024 * 1024;

export class UndecidedManifests {
  readonly #manifests = new Map<string, Manifest>();
  #sizeBytes = 0;

  get(key: string): Manifest | undefined {
    return this.#manifests.get(key);
  }

  set(key: string, manifest: Manifest): void {
    this.#drop(key);
    this.#manifests.set(key, manifest);
    this.#sizeBytes += manifest.bytes.byteLength;
    for (const oldest of this.#manifests.keys()) {
      if (this.#sizeBytes <= KEPT_BYTES) break;
      this.#drop(oldest);
    }
  }

  #drop(key: string): void {
    this.#sizeBytes -= this.#manifests.get(key)?.bytes.byteLength ?? 0;
    this.#manifests.delete(key);
  }
}
