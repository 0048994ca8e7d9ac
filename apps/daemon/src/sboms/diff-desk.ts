// The desk for what differs between two artifacts, in what they consist of and in what they may do.
import { reviewCatalog } from "@pratique/catalog";
import type { DiffRequest, DiffResult, Principal } from "@pratique/contracts";
import { allowedOrThrow, type Guard } from "@pratique/guard";
import { readCatalogArtifact } from "@pratique/packaging";
import { diffSboms, imageFiles, type ImageFiles, type LayerFiles } from "@pratique/sbom";
import { versionOrderOf } from "@pratique/vulnerabilities";
import type { Artifacts } from "../artifacts/artifacts.ts";
import type { Found } from "../artifacts/find-artifact.ts";
import type { Known, SbomDesk } from "./sbom-desk.ts";

export interface DiffDeskOptions {
  readonly artifacts: Artifacts;
  readonly sboms: SbomDesk;
  readonly guard: Guard;
}

/** OSV's name of the ecosystem of a purl type. */
const ECOSYSTEMS: ReadonlyMap<string, string> = new Map([
  ["deb", "Debian"],
  ["apk", "Alpine"],
  ["rpm", "Red Hat"],
  ["npm", "npm"],
  ["pypi", "PyPI"],
  ["golang", "Go"],
  ["cargo", "crates.io"],
  ["maven", "Maven"],
  ["gem", "RubyGems"],
  ["nuget", "NuGet"],
  ["composer", "Packagist"],
]);

export class DiffDesk {
  readonly #options: DiffDeskOptions;

  constructor(options: DiffDeskOptions) {
    this.#options = options;
  }

  async diff(principal: Principal, request: DiffRequest): Promise<DiffResult> {
    const { artifacts } = this.#options;
    const [from, to] = await Promise.all([artifacts.find(request.from), artifacts.find(request.to)]);
    return this.#pulled(principal, from, () => this.#pulled(principal, to, () => this.#compare(from, to, request)));
  }

  async #pulled<T>(principal: Principal, found: Found, act: () => Promise<T>): Promise<T> {
    const { artifacts, guard } = this.#options;
    const resource = await artifacts.resource(found);
    return allowedOrThrow(await guard.perform({ principal, action: "artifact:pull", resource }, act));
  }

  async #compare(from: Found, to: Found, { platform, files: isWithFiles = true }: DiffRequest): Promise<DiffResult> {
    const [before, after] = await this.#known(from, to, platform);
    const { files, ...rest } = diffSboms(before.document, after.document, (type, a, b) =>
      versionOrderOf(ECOSYSTEMS.get(type) ?? "npm")?.compare(a, b),
    );
    const ofLayers = isWithFiles ? await this.#files(from, to, platform) : undefined;
    const listed = {
      added: files.added.map((path) => ({ path })),
      removed: files.removed.map((path) => ({ path })),
      changed: files.changed.map((path) => ({ path })),
      complete: ofLayers !== undefined || !isImage(from),
    };
    const own = from.kind === "catalog" && to.kind === "catalog" ? await reviewed(from, to) : {};
    const result = { ...rest, ...own, files: ofLayers ?? listed };
    return {
      from: sideOf(from, before),
      to: sideOf(to, after),
      same: isEmpty(result),
      packages: {
        added: [...result.packages.added],
        removed: [...result.packages.removed],
        changed: [...result.packages.changed],
      },
      files: result.files,
      licences: textsOf(result.licences),
      tools: textsOf(result.tools),
      permissions: textsOf(result.permissions),
      facts: [...result.facts],
      members: [...result.members],
    };
  }

  /** Two that were made in the same way: what is attested of both, or what is found in both by looking. */
  async #known(from: Found, to: Found, platform: string | undefined): Promise<[Known, Known]> {
    const { sboms } = this.#options;
    const attested = platform === undefined ? await Promise.all([sboms.known(from), sboms.known(to)]) : undefined;
    if (attested !== undefined && attested.every(({ origin }) => origin !== "generated")) return attested;
    return Promise.all([sboms.known(from, { fresh: true, platform }), sboms.known(to, { fresh: true, platform })]);
  }

  async #files(from: Found, to: Found, platform: string | undefined): Promise<DiffResult["files"] | undefined> {
    if (!isImage(from) || !isImage(to)) return undefined;
    const known = new Map<string, LayerFiles>();
    const before = await imageFiles(from.repository, from.descriptor.digest, { platform, known });
    const after = await imageFiles(to.repository, to.descriptor.digest, { platform, known });
    return diffFiles(before, after);
  }
}

/** Of catalogs: what servers may do under the second that they could not under the first, and the other way round. */
async function reviewed(from: Found, to: Found): Promise<Pick<DiffResult, "permissions">> {
  const [before, after] = [
    await readCatalogArtifact(from.repository, from.descriptor.digest),
    await readCatalogArtifact(to.repository, to.descriptor.digest),
  ];
  const { changes } = reviewCatalog(before, after);
  const lines = (effect: string): string[] =>
    changes.flatMap((change) => (change.effect === effect ? [`${change.entry}: ${change.what}`] : []));
  return { permissions: { added: [...lines("widens"), ...lines("neutral")], removed: lines("narrows") } };
}

function isImage({ kind }: Found): boolean {
  return kind === "image" || kind === "mcp-server";
}

function diffFiles(before: ImageFiles, after: ImageFiles): DiffResult["files"] {
  const listed = (files: ImageFiles, wanted: (path: string, identity: string) => boolean) =>
    [...files.files]
      .filter(([path, { identity }]) => wanted(path, identity))
      .map(([path, { size }]) => ({ path, size }))
      .sort((a, b) => (a.path < b.path ? -1 : 1));
  return {
    added: listed(after, (path) => !before.files.has(path)),
    removed: listed(before, (path) => !after.files.has(path)),
    changed: listed(after, (path, identity) => {
      const known = before.files.get(path);
      return known !== undefined && known.identity !== identity;
    }),
    complete: before.isComplete && after.isComplete,
  };
}

function sideOf(found: Found, { origin }: Known): DiffResult["from"] {
  return { reference: found.reference, digest: found.descriptor.digest, kind: found.kind, origin };
}

function textsOf({ added, removed }: { readonly added: readonly string[]; readonly removed: readonly string[] }): {
  added: string[];
  removed: string[];
} {
  return { added: [...added], removed: [...removed] };
}

/** True when no list anywhere in it has an entry. */
function isEmpty(value: unknown): boolean {
  if (Array.isArray(value)) return value.length === 0;
  if (typeof value !== "object" || value === null) return true;
  return Object.values(value).every(isEmpty);
}
