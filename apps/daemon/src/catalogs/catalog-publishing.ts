// From a catalog's file to a signed and cleared artifact under its version and `latest`.
import { catalogErrors, datedAfter, encodeCatalog, publishProblems } from "@pratique/catalog";
import type { Catalog, CatalogPublishRequest, CatalogPublishResult, Principal, ServerEntry } from "@pratique/contracts";
import { digestOf, Mutex, type Clock } from "@pratique/core";
import { allowedOrThrow, type Guard } from "@pratique/guard";
import { isTag, parseReference, type ContentStore } from "@pratique/oci";
import { packCatalog } from "@pratique/packaging";
import { repositoryResource, systemResource, type Artifacts } from "../artifacts/artifacts.ts";
import type { Clearances } from "../clearance/clearances.ts";
import { daemonErrors } from "../errors.ts";
import type { SigningDesk } from "../signing/signing-desk.ts";
import { readCatalogFile, type CatalogFile } from "./catalog-file.ts";
import { contentDigest, isAccepted, publishedAt, review, type CatalogAt } from "./catalog-reviews.ts";

export interface CatalogPublishingOptions {
  readonly artifacts: Artifacts;
  readonly store: ContentStore;
  readonly guard: Guard;
  readonly signing: Pick<SigningDesk, "sign">;
  readonly clearances: Pick<Clearances, "clear">;
  /** `localhost:7340`. */
  readonly registry: string;
  readonly clock: Clock;
}

const LATEST = "latest";

export interface PublishPlace {
  readonly repository: string;
  readonly tag: string;
}

/** @throws `reference.invalid`, `reference.not-local` */
export function publishPlace(catalog: Catalog, reference: string | undefined, registry: string): PublishPlace {
  const versionTag = catalog.version.replace(/[^A-Za-z0-9._-]/g, "-");
  const tag = isTag(versionTag) ? versionTag : "0";
  if (reference === undefined) return { repository: `catalogs/${catalog.name}`, tag };
  const parsed = parseReference(reference, { registry });
  if (parsed.registry !== registry || parsed.digest !== undefined) {
    throw daemonErrors(
      "reference.not-local",
      { reference },
      { hint: "publish into the own registry, then `pratique push`" },
    );
  }
  return { repository: parsed.repository, tag: parsed.tag ?? tag };
}

export class CatalogPublishing {
  readonly #options: CatalogPublishingOptions;
  /** One after another: each is compared with what is published then. */
  readonly #turn = new Mutex();

  constructor(options: CatalogPublishingOptions) {
    this.#options = options;
  }

  /**
   * @throws `catalog.incomplete`, `catalog.widens` (what it widens was not accepted), `catalog.version-exists`,
   * and whatever packing, signing and clearing throw
   */
  publish(principal: Principal, request: CatalogPublishRequest): Promise<CatalogPublishResult> {
    return this.#turn.run(() => this.#publish(principal, request));
  }

  async #publish(principal: Principal, request: CatalogPublishRequest): Promise<CatalogPublishResult> {
    const { artifacts, store, registry, clock, signing, clearances } = this.#options;
    const { directory } = request;
    const file = await this.#read(principal, directory);
    const { catalog, skipped } = ready(file.catalog, request);
    const { repository, tag } = publishPlace(catalog, request.reference, registry);
    const before = await publishedAt(artifacts, `${registry}/${repository}:${LATEST}`);
    const to: CatalogAt = { place: file.path, catalog };
    const accepted = request.accept || (await isAccepted(directory, before, to));
    const reviewed = review(before, to, accepted);
    if (reviewed.widens && !accepted) {
      const wide = reviewed.changes.filter(({ effect }) => effect === "widens");
      const { entry = "", what = "" } = wide[0] ?? {};
      const params = {
        name: catalog.name,
        version: catalog.version,
        before: before?.catalog.version ?? "nothing",
        count: wide.length,
        first: `${entry} ${what}`,
      };
      throw catalogErrors("catalog.widens", params, {
        details: { changes: reviewed.changes.slice(0, 200).map((one) => ({ ...one })) },
      });
    }
    // Published before, and perhaps not to the end: the same again is the same artifact.
    const dated =
      (await this.#standing(repository, tag, catalog)) ??
      datedAfter(before?.catalog, catalog, clock.now().toISOString(), sameEntry);
    const name = `catalog ${catalog.name} ${catalog.version}`;
    const packed = await artifacts.packOther(
      principal,
      { name, pack: (options) => packCatalog(dated, options) },
      `${registry}/${repository}:${tag}`,
    );
    const pinned = `${registry}/${repository}@${packed.digest}`;
    const { signature } = await signing.sign(principal, { reference: pinned });
    const result = await clearances.clear(principal, pinned);
    // Last, so that whoever follows it never sees one that is not signed.
    if (tag !== LATEST) await this.#moveLatest(principal, store.repository(repository).name, packed.digest);
    return {
      reference: `${registry}/${repository}:${tag}@${packed.digest}`,
      digest: packed.digest,
      entries: dated.entries.filter(({ status }) => status !== "deleted").length,
      skipped,
      signature,
      cleared: result.cleared,
      policies: result.cleared ? [] : result.decision.policies.map(({ id }) => id),
      review: reviewed,
    };
  }

  /** What stands under the version, when it says the same. @throws `catalog.version-exists` */
  async #standing(repository: string, tag: string, catalog: Catalog): Promise<Catalog | undefined> {
    const { artifacts, registry } = this.#options;
    const reference = `${registry}/${repository}:${tag}`;
    const there = tag === LATEST ? undefined : await publishedAt(artifacts, reference);
    if (there === undefined) return undefined;
    if (contentDigest(there.catalog) === contentDigest(catalog)) return there.catalog;
    throw catalogErrors("catalog.version-exists", { reference });
  }

  async #read(principal: Principal, directory: string): Promise<CatalogFile> {
    const details = { catalog: { directory, publish: true } };
    const act = { principal, action: "admin:read", resource: systemResource, details } as const;
    return allowedOrThrow(await this.#options.guard.perform(act, () => readCatalogFile(directory)));
  }

  async #moveLatest(principal: Principal, repository: string, digest: string): Promise<void> {
    const { store, guard, registry } = this.#options;
    const target = store.repository(repository);
    const act = {
      principal,
      action: "artifact:push",
      resource: repositoryResource(repository, registry),
      context: { tag: LATEST, tagExists: (await target.resolve(LATEST)) !== undefined },
      details: { digest },
    } as const;
    const outcome = await guard.perform(act, async () => {
      const manifest = await target.manifest(digest);
      if (manifest === undefined) throw daemonErrors("artifact.not-found", { reference: `${repository}@${digest}` });
      await target.putManifest(manifest.bytes, manifest.mediaType, LATEST);
    });
    allowedOrThrow(outcome);
  }
}

function ready(
  file: Catalog,
  { noNetwork, skipIncomplete }: CatalogPublishRequest,
): { catalog: Catalog; skipped: CatalogPublishResult["skipped"] } {
  const stated = file.entries.map((entry): ServerEntry =>
    noNetwork && entry.network.unstated === true ? { ...entry, network: { hosts: entry.network.hosts } } : entry,
  );
  const catalog = { ...file, entries: stated };
  const problems = publishProblems(catalog);
  const [first] = problems;
  if (first === undefined) return { catalog, skipped: [] };
  if (!skipIncomplete) {
    throw catalogErrors(
      "catalog.incomplete",
      { count: problems.length, first: `${first.entry}: ${first.problem}` },
      { details: { problems: problems.slice(0, 200).map((one) => ({ ...one })) } },
    );
  }
  return { catalog: withoutIncomplete(catalog), skipped: problems };
}

export function withoutIncomplete(catalog: Catalog): Catalog {
  const left = new Set(publishProblems(catalog).map(({ entry }) => entry));
  return { ...catalog, entries: catalog.entries.filter(({ name }) => !left.has(name)) };
}

function sameEntry(a: ServerEntry, b: ServerEntry): boolean {
  const bytes = (entry: ServerEntry): string =>
    digestOf(encodeCatalog({ name: "x", version: "0", entries: [entry], other: {} }));
  return bytes(a) === bytes(b);
}
