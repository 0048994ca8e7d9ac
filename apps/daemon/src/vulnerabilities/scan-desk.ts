// Scans: what is known against an artifact of the registry, or against what a bill of materials lists.
import type { DatabaseStatus, Principal, ScanFinding, ScanRequest, ScanResult } from "@pratique/contracts";
import type { Clock } from "@pratique/core";
import { attest, type SigningKey, type Trust } from "@pratique/evidence";
import { allowedOrThrow, type Guard } from "@pratique/guard";
import { packageComponentsOf, readSbomDocument } from "@pratique/sbom";
import {
  assess,
  isAtLeast,
  sarifOf,
  scanFindings,
  VULNERABILITY_PREDICATE,
  vulnerabilityPredicate,
  type AdvisoryDatabase,
  type Inventory,
  type PlacedComponent,
  type VexSource,
  type VexSubject,
} from "@pratique/vulnerabilities";
import { systemResource, type Artifacts } from "../artifacts/artifacts.ts";
import type { Found } from "../artifacts/find-artifact.ts";
import { scanErrors } from "./errors.ts";
import type { InventoryKeeper } from "./inventory-keeper.ts";
import { readLocalFile } from "./local-file.ts";
import { signedVex, vexFiles } from "./vex-sources.ts";

export interface ScanDeskOptions {
  readonly artifacts: Artifacts;
  readonly inventory: Inventory;
  readonly keeper: Pick<InventoryKeeper, "ensure">;
  readonly advisories: () => AdvisoryDatabase | undefined;
  readonly guard: Guard;
  readonly key: SigningKey;
  readonly trust: Trust;
  readonly registry: string;
  readonly version: string;
  readonly clock: Clock;
}

type Request = Omit<ScanRequest, "vex" | "attest" | "onlyFixed"> & {
  readonly vex: readonly string[];
  readonly attest: boolean;
  readonly onlyFixed: boolean;
};

/** Named in one answer. */
const UNREAD_SHOWN = 100;

interface ScannedList {
  readonly origin: "attestation" | "catalogue" | "file";
  readonly signer?: string | undefined;
  readonly digest?: string | undefined;
  readonly components: readonly PlacedComponent["component"][];
  readonly unread: readonly { readonly path: string; readonly reason: string }[];
}

export class ScanDesk {
  readonly #options: ScanDeskOptions;

  constructor(options: ScanDeskOptions) {
    this.#options = options;
  }

  async scan(principal: Principal, request: Request): Promise<ScanResult> {
    const result = await this.#scan(principal, request);
    const { severity = "none", onlyFixed } = request;
    const findings = result.findings.filter(
      (finding) =>
        finding.malicious || (isAtLeast(finding.severity, severity) && (!onlyFixed || finding.fixedIn.length > 0)),
    );
    return { ...result, findings };
  }

  async #scan(principal: Principal, request: Request): Promise<ScanResult> {
    const { reference, file } = request;
    if (reference !== undefined) return await this.#scanArtifact(principal, reference, request);
    if (request.attest) throw scanErrors("scan.not-signable");
    const path = file ?? "";
    return await this.#reading(principal, [path, ...request.vex], async () => {
      const document = readSbomDocument(await readLocalFile(path));
      const unread = document.unread ?? [];
      const list: ScannedList = { origin: "file", components: packageComponentsOf(document), unread };
      return { file: path, ...this.#result([list], await vexFiles(request.vex), { digests: [] }) };
    });
  }

  async sarif(principal: Principal, request: Request): Promise<Record<string, unknown>> {
    return sarifOf(await this.scan(principal, request), this.#options.version);
  }

  async #scanArtifact(principal: Principal, reference: string, request: Request): Promise<ScanResult> {
    const { artifacts, guard } = this.#options;
    const found = await artifacts.find(reference);
    const resource = await artifacts.resource(found);
    const files =
      request.vex.length === 0 ? [] : await this.#reading(principal, request.vex, () => vexFiles(request.vex));
    const act = { principal, action: "artifact:pull", resource, details: { what: "scan" } } as const;
    const result = allowedOrThrow(
      await guard.perform(act, async (_decision, note) => {
        const scanned = await this.#scanFound(found, files);
        note({ status: scanned.status, findings: scanned.findings.length });
        return scanned;
      }),
    );
    return request.attest ? await this.#attest(principal, found, result) : result;
  }

  /** Reading a file of this machine is an act of its own. */
  async #reading<T>(principal: Principal, paths: readonly string[], read: () => Promise<T>): Promise<T> {
    const details = { what: "scan", files: [...paths] };
    return allowedOrThrow(
      await this.#options.guard.perform({ principal, action: "admin:read", resource: systemResource, details }, read),
    );
  }

  async #scanFound(
    { repository, descriptor, reference, kind }: Found,
    files: readonly VexSource[],
  ): Promise<ScanResult> {
    const { inventory, keeper, registry, trust } = this.#options;
    const { digest } = descriptor;
    await keeper.ensure(repository.name, digest);
    const listed = await inventory.listings(repository.name, digest);
    const vex = [...files];
    const digests = [...new Set([digest, ...listed.map((one) => one.digest)])];
    for (const one of digests) {
      const manifest = await repository.manifest(one);
      if (manifest !== undefined) vex.push(...(await signedVex(repository, manifest.descriptor, trust)));
    }
    const isIndex = listed.some((one) => one.digest !== digest);
    const lists = listed.map(({ digest: of, listing }): ScannedList => {
      const { origin, signer, components, unread } = listing;
      return { origin, signer, components, unread, ...(isIndex ? { digest: of } : {}) };
    });
    const row = listed.length > 0 ? undefined : await inventory.table.artifact(repository.name, digest);
    const { problem } = JSON.parse(row?.body ?? "{}") as { problem?: string };
    const named = await inventory.table.tagsOf([{ repository: repository.name, digest }]);
    const tags = [...named.values()].flat();
    const subject = { digests, repository: repository.name, registry, tags };
    const result = this.#result(lists, vex, subject);
    const reasons = problem === undefined ? result.reasons : [...result.reasons, problem];
    return { reference, digest, kind, ...result, reasons };
  }

  #result(
    lists: readonly ScannedList[],
    vex: readonly VexSource[],
    subject: VexSubject,
  ): Omit<ScanResult, "reference"> {
    const { advisories, clock } = this.#options;
    const database = advisories();
    const placed = lists.flatMap(({ components, digest: image }) =>
      components.map((component) => ({ component, image })),
    );
    const unread = lists.flatMap((list) => list.unread);
    const now = clock.now();
    const assessment = assess({
      components: lists.length === 0 ? undefined : placed.map(({ component }) => component),
      unread: unread.length,
      isSigned: lists.every(({ origin }) => origin !== "catalogue"),
      database,
      isBroken: database === undefined,
      vex,
      subject,
      now,
    });
    const { status, reasons, facts, coverage, ignoredVex } = assessment;
    const known: DatabaseStatus | undefined = database?.status();
    return {
      time: now.toISOString(),
      status,
      reasons: [...reasons],
      lists: lists.map(({ origin, signer, digest, components }) => ({
        origin,
        ...(signer === undefined ? {} : { signer }),
        ...(digest === undefined ? {} : { digest }),
        components: components.length,
      })),
      components: placed.length,
      coverage: [...coverage.ecosystems],
      unread: unread.slice(0, UNREAD_SHOWN),
      ...(known === undefined ? {} : { database: known }),
      facts,
      findings: distinct(scanFindings(assessment.findings, placed)),
      ignoredVex: [...ignoredVex],
    };
  }

  async #attest(
    principal: Principal,
    { repository, descriptor, reference, kind }: Found,
    result: ScanResult,
  ): Promise<ScanResult> {
    const { artifacts, guard, key, clock, version } = this.#options;
    const resource = await artifacts.resource({ repository, descriptor, reference, kind });
    const predicate = vulnerabilityPredicate(result, {
      uri: `pkg:generic/pratique@${version}`,
      version,
      startedOn: result.time,
      finishedOn: clock.now().toISOString(),
    });
    const statement = { predicateType: VULNERABILITY_PREDICATE, predicate };
    const act = { principal, action: "artifact:sign", resource, details: { what: "scan" } } as const;
    const attached = allowedOrThrow(
      await guard.perform(act, () => attest(repository, descriptor, statement, key, clock)),
    );
    return { ...result, attestation: attached.digest };
  }
}

/** A package in several images of an index, or in several places, is one finding. */
function distinct(findings: readonly ScanFinding[]): ScanFinding[] {
  return [...new Map(findings.map((finding) => [`${finding.purl} ${finding.id}`, finding])).values()];
}
