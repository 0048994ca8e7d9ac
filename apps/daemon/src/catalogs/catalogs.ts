// The catalogs in force: signed and cleared, in the order of the configuration, read once a digest.
import { catalogErrors } from "@pratique/catalog";
import type { Catalog, CatalogSummary, Config, ServerEntry } from "@pratique/contracts";
import { describeError, isPratiqueError, type Log } from "@pratique/core";
import { readCatalogArtifact } from "@pratique/packaging";
import type { Artifacts } from "../artifacts/artifacts.ts";

export interface CatalogsOptions {
  readonly config: Pick<Config["gateway"], "catalog" | "catalogOnly">;
  readonly artifacts: Artifacts;
  readonly log: Log;
}

export interface CatalogInForce {
  /** Reference and digest. */
  readonly place: string;
  readonly catalog: Catalog;
}

interface Looked {
  readonly summary: CatalogSummary;
  readonly inForce: CatalogInForce | undefined;
}

export class Catalogs {
  readonly #options: CatalogsOptions;
  readonly #read = new Map<string, Promise<Catalog>>();

  constructor(options: CatalogsOptions) {
    this.#options = options;
  }

  /** All that are configured, those that do not count too. */
  async list(): Promise<Looked[]> {
    return await Promise.all(this.#options.config.catalog.map((reference) => this.#look(reference)));
  }

  /** Those that count, in their order. One that does not is left out: use it for what is only shown. */
  async inForce(): Promise<CatalogInForce[]> {
    return (await this.list()).flatMap(({ inForce }) => (inForce === undefined ? [] : [inForce]));
  }

  /**
   * The first entry of that name. A catalog before it that does not count now is no reason to take one from behind it.
   * @throws `catalog.unknown-entry`, `catalog.not-in-force`, `catalog.evidence-missing`
   */
  async entry(name: string): Promise<{ readonly entry: ServerEntry; readonly catalog: string }> {
    for (const { summary, inForce } of await this.list()) {
      if (inForce === undefined) throw notInForce(summary);
      const entry = inForce.catalog.entries.find((one) => one.name === name && one.status !== "deleted");
      if (entry === undefined) continue;
      await this.#requireEvidence(entry);
      return { entry, catalog: inForce.place };
    }
    throw catalogErrors("catalog.unknown-entry", { name });
  }

  /** Where only catalogs count: refuses what none of them lists. @throws `catalog.not-listed` */
  async requireListed(what: { readonly digest: string } | { readonly url: string }): Promise<void> {
    if (!this.#options.config.catalogOnly) return;
    const isListed = ({ status, image, remote }: ServerEntry): boolean =>
      status !== "deleted" && ("digest" in what ? image?.digest === what.digest : remote?.url === what.url);
    for (const { catalog } of await this.inForce()) if (catalog.entries.some(isListed)) return;
    throw catalogErrors("catalog.not-listed", { what: "digest" in what ? what.digest : what.url });
  }

  async #look(reference: string): Promise<Looked> {
    const { artifacts, log } = this.#options;
    try {
      const found = await artifacts.find(reference);
      const { digest } = found.descriptor;
      const place = found.reference.includes("@") ? found.reference : `${found.reference}@${digest}`;
      const catalog = await this.#catalog(digest, () => readCatalogArtifact(found.repository, digest));
      const { cleared } = await artifacts.clearedNow(found);
      const { name, title, version } = catalog;
      const summary = { place, name, ...(title === undefined ? {} : { title }), version, cleared };
      if (!cleared) return { summary: { ...summary, problem: "it is not cleared" }, inForce: undefined };
      return { summary, inForce: { place, catalog } };
    } catch (error) {
      // The rest of the daemon works on; what would have come from it does not.
      log.warn("a catalog does not count", { catalog: reference, ...describeError(error) });
      const problem = isPratiqueError(error) ? error.message : "it cannot be read";
      return {
        summary: { place: reference, name: reference, version: "", cleared: false, problem },
        inForce: undefined,
      };
    }
  }

  #catalog(digest: string, read: () => Promise<Catalog>): Promise<Catalog> {
    const known = this.#read.get(digest);
    if (known !== undefined) return known;
    // A tag that moves leaves old ones behind.
    if (this.#read.size > 2 * this.#options.config.catalog.length) this.#read.clear();
    const reading = read();
    this.#read.set(digest, reading);
    reading.catch(() => this.#read.delete(digest));
    return reading;
  }

  async #requireEvidence({ name, image, evidence: wanted }: ServerEntry): Promise<void> {
    if (wanted === undefined || image?.digest === undefined) return;
    const { artifacts } = this.#options;
    const evidence = await artifacts.evidence(await artifacts.find(`${repositoryOf(image.reference)}@${image.digest}`));
    const signers = evidence.signers.map((signer) => signer.name);
    const missing = [
      wanted.signers.length > 0 && !wanted.signers.some((one) => signers.includes(one))
        ? `a signature of ${wanted.signers.join(" or ")}`
        : undefined,
      wanted.provenance && evidence.provenance === undefined ? "provenance" : undefined,
      wanted.sbom && evidence.sbom === undefined ? "an SBOM" : undefined,
    ].filter((one) => one !== undefined);
    if (missing.length > 0) throw catalogErrors("catalog.evidence-missing", { name, missing: missing.join(", ") });
  }
}

function notInForce({ place, problem }: CatalogSummary): Error {
  return catalogErrors("catalog.not-in-force", { catalog: place, reason: problem ?? "it cannot be read" });
}

/** `registry/team/x:1` without its tag. */
export function repositoryOf(reference: string): string {
  return reference.replace(/@.*$/, "").replace(/:[^:/]+$/, "");
}
