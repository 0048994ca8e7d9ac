// From an image as a pod names it to the artifact that is meant: ours, one of an upstream, or of any other registry.
import type { Principal } from "@pratique/contracts";
import { isDigest, type Digest } from "@pratique/core";
import { artifactResource, evidenceOf, type EvidenceCache, type EvidenceGround, type Trust } from "@pratique/evidence";
import type { GuardResource } from "@pratique/guard";
import { formatReference, parseReference, type Manifest, type Reference, type Repository } from "@pratique/oci";
import { kindOfManifest } from "@pratique/packaging";
import type { PullThrough } from "@pratique/registry";
import { daemonErrors } from "../errors.ts";
import { isOwnRegistry } from "../artifacts/find-artifact.ts";

export interface LookedUp {
  readonly digest: Digest;
  /** The artifact as policy sees it. */
  readonly resource: GuardResource;
}

export interface ImageLookupOptions {
  /** `localhost:7340`. */
  readonly registry: string;
  /** Hosts under which a cluster knows it. */
  readonly names: readonly string[];
  /** An artifact of the own registry, with whether it is cleared now. */
  readonly own: (repository: string, ref: string) => Promise<LookedUp | undefined>;
  readonly pullThrough: PullThrough;
  /** A repository of any other registry, reached as the principal may. */
  readonly remote: (principal: Principal, reference: string, signal: AbortSignal) => Repository;
  readonly trust: Trust;
  readonly evidenceCache: EvidenceCache;
  readonly policyDigest: () => string;
  /** What evidence rests on besides what hangs on the artifact. */
  readonly ground: EvidenceGround;
}

/** Docker's names for its own registry. */
const HUB_NAMES: ReadonlySet<string> = new Set(["docker.io", "index.docker.io", "registry-1.docker.io"]);

/** As container runtimes read it: without a registry it is Docker Hub, without a tag `latest`. @throws `reference.invalid` */
export function imageReference(image: string): Reference {
  const first = image.slice(0, image.indexOf("/") + 1).slice(0, -1);
  const text = HUB_NAMES.has(first) ? `docker.io/${image.slice(first.length + 1)}` : image;
  return parseReference(text, { registry: "docker.io", tag: "latest" });
}

/** The image with its digest, which wins over the tag that stays for readers. */
export function pinned(image: string, digest: Digest): string {
  return image.includes("@") ? image : `${image}@${digest}`;
}

export class ImageLookup {
  readonly #options: ImageLookupOptions;

  constructor(options: ImageLookupOptions) {
    this.#options = options;
  }

  /** @throws `admission.image-missing`, and what the registry that has it answers */
  async of(principal: Principal, image: string, signal: AbortSignal): Promise<LookedUp> {
    const reference = imageReference(image);
    const ref = reference.digest ?? reference.tag ?? "latest";
    const found = await this.#find(principal, reference, ref, signal);
    if (found === undefined) throw daemonErrors("admission.image-missing", { reference: formatReference(reference) });
    if (isDigest(ref) && found.digest !== ref)
      throw daemonErrors("admission.image-missing", { reference: image.slice(0, 300) });
    return found;
  }

  async #find(
    principal: Principal,
    reference: Reference,
    ref: string,
    signal: AbortSignal,
  ): Promise<LookedUp | undefined> {
    const { registry, names, own, pullThrough } = this.#options;
    const isOurs = isOwnRegistry(reference.registry, registry) || names.includes(reference.registry);
    const route = { to: "manifest", name: reference.repository, reference: ref } as const;
    if (isOurs) {
      const through = pullThrough.place(route, new URLSearchParams(), []);
      return through === undefined ? await own(reference.repository, ref) : await this.#through(through, ref);
    }
    if (pullThrough.states().some(({ name }) => name === reference.registry)) {
      const place = pullThrough.place(route, new URLSearchParams({ ns: reference.registry }), []);
      if (place !== undefined) return await this.#through(place, ref);
    }
    return await this.#elsewhere(principal, reference, ref, signal);
  }

  async #through(place: NonNullable<ReturnType<PullThrough["place"]>>, ref: string): Promise<LookedUp | undefined> {
    const { pullThrough } = this.#options;
    const obtained = await pullThrough.manifests.obtain(place, ref);
    if (obtained === undefined) return undefined;
    const { manifest, isCached } = obtained;
    const resource = await pullThrough.artifact(place, manifest, isCached);
    return { digest: manifest.descriptor.digest, resource };
  }

  async #elsewhere(
    principal: Principal,
    reference: Reference,
    ref: string,
    signal: AbortSignal,
  ): Promise<LookedUp | undefined> {
    const { remote, trust, evidenceCache, policyDigest, ground } = this.#options;
    const repository = remote(principal, formatReference(reference), signal);
    const manifest: Manifest | undefined = await repository.manifest(ref);
    if (manifest === undefined) return undefined;
    const { descriptor } = manifest;
    const evidence = await evidenceOf(repository, descriptor, kindOfManifest(manifest), trust, evidenceCache, ground);
    const named = { registry: reference.registry, repository: reference.repository, digest: descriptor.digest };
    const resource = artifactResource(evidence, {
      reference: formatReference(named),
      policyDigest: policyDigest(),
      now: ground.clock.now(),
      registry: reference.registry,
    });
    return { digest: descriptor.digest, resource };
  }
}
