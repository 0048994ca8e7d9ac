// Tries policies that are not in force: over what is recorded, and over what lies in the registry. Changes nothing.
import { isAbsolute } from "node:path";
import { setImmediate } from "node:timers/promises";
import type { AuditLog } from "@pratique/audit";
import type { AuditRecord, Principal, SimulationRequest, SimulationResult, UserPrincipal } from "@pratique/contracts";
import { digestOf, isPratiqueError } from "@pratique/core";
import { allowedOrThrow, policyRequestOf, type DecisionInputs, type Guard } from "@pratique/guard";
import type { ContentStore } from "@pratique/oci";
import { readRecordedRequest, Simulation, type PolicyRequest, type PolicySet } from "@pratique/policy";
import type { Database } from "@pratique/store";
import type { z } from "zod";
import type { Artifacts } from "../artifacts/artifacts.ts";
import { daemonErrors } from "../errors.ts";
import { policyDirectoryOf, readPolicySet } from "../policy-files.ts";
import type { PackDesk } from "./pack-desk.ts";
import type { PolicyInForce } from "./policy-in-force.ts";

export interface SimulationDeskOptions {
  readonly guard: Guard;
  readonly policies: PolicyInForce;
  readonly packs: Pick<PackDesk, "trying">;
  readonly artifacts: Artifacts;
  readonly store: ContentStore;
  readonly audit: Pick<AuditLog, "find">;
  readonly inputs: Pick<DecisionInputs, "flush">;
  readonly table: Database["decisionInputs"];
  /** Who clears. */
  readonly owner: UserPrincipal;
}

const PAGE = 1000;
const YIELD_EVERY = 50;
const MAX_ARTIFACTS = 10_000;

type Changed = SimulationResult["artifacts"]["lose"][number];

export class SimulationDesk {
  readonly #options: SimulationDeskOptions;

  constructor(options: SimulationDeskOptions) {
    this.#options = options;
  }

  async simulate(
    principal: Principal,
    request: z.output<typeof SimulationRequest>,
    signal: AbortSignal,
  ): Promise<SimulationResult> {
    const { guard, policies } = this.#options;
    const resource = { type: "AuditLog", id: "log" } as const;
    const { directory, pack } = request;
    const details = { simulate: { ...(directory && { directory }), ...(pack && { pack }) } };
    const act = { principal, action: "audit:read", resource, details } as const;
    return allowedOrThrow(
      await guard.perform(act, async () => {
        const candidate = await this.#candidate(request);
        const inForce = policies.current;
        const artifacts = await this.#artifacts(inForce, candidate, signal);
        const lost = new Set(artifacts.lose.map(({ digest }) => digest));
        const decisions = await this.#decisions(request, { inForce, candidate, lost }, signal);
        return { policyDigest: candidate.digest, inForce: inForce.digest, decisions, artifacts };
      }),
    );
  }

  /** Without a word about which: those that would be in force after the next start, as their files are now. */
  async #candidate({ directory, pack }: z.output<typeof SimulationRequest>): Promise<PolicySet> {
    const { policies, packs } = this.#options;
    if (directory !== undefined && !isAbsolute(directory)) {
      throw daemonErrors("control.bad-request", { problem: "directory is no absolute path" });
    }
    if (directory === undefined) return (await packs.trying(pack)).set;
    const named = await policyDirectoryOf(directory, policies.places.directory);
    const isPack = named.directory === policies.places.directory && named.packs.length > 0;
    if (isPack) return (await packs.trying(directory)).set;
    // Whole policies take the place of the default ones; packs stay beside them.
    const beside = (await packs.trying(pack)).packs;
    return await readPolicySet(named.directory, beside);
  }

  async #decisions(
    { since, limit }: z.output<typeof SimulationRequest>,
    options: { readonly inForce: PolicySet; readonly candidate: PolicySet; readonly lost: ReadonlySet<string> },
    signal: AbortSignal,
  ): Promise<SimulationResult["decisions"]> {
    const { audit, inputs } = this.#options;
    await inputs.flush();
    const simulation = new Simulation(options);
    let records = 0;
    let lists = 0;
    let before: number | undefined;
    while (records < limit) {
      const page = await audit.find({
        limit: Math.min(PAGE, limit - records),
        order: "newest",
        ...(before === undefined ? {} : { before }),
        ...(since === undefined ? {} : { since: new Date(since).toISOString() }),
      });
      const last = page.at(-1);
      if (last === undefined) break;
      before = last.sequence;
      records += page.length;
      const requests = await this.#requestsOf(page);
      for (const [at, record] of page.entries()) {
        // Others want their decisions meanwhile.
        if (at % YIELD_EVERY === 0) await setImmediate();
        signal.throwIfAborted();
        if (isList(record)) lists += 1;
        else simulation.add(recordedOf(record), requests.get(record.inputs ?? ""));
      }
    }
    const { unreplayable, policies, ...rest } = simulation.report;
    const changes = policies.map(({ examples, ...one }) => ({ ...one, examples: [...examples] }));
    return { records, ...rest, unreplayable: { ...unreplayable, list: lists }, policies: changes };
  }

  async #requestsOf(page: readonly AuditRecord[]): Promise<ReadonlyMap<string, PolicyRequest>> {
    const digests = [...new Set(page.flatMap(({ inputs }) => inputs ?? []))];
    const requests = new Map<string, PolicyRequest>();
    for (const { digest, body } of await this.#options.table.find(digests)) {
      // The log has the digest: what was changed beside it is not what was asked.
      const request = digestOf(body) === digest ? readRecordedRequest(body) : undefined;
      if (request !== undefined) requests.set(digest, request);
    }
    return requests;
  }

  async #artifacts(
    inForce: PolicySet,
    candidate: PolicySet,
    signal: AbortSignal,
  ): Promise<SimulationResult["artifacts"]> {
    const { artifacts, owner } = this.#options;
    const lose: Changed[] = [];
    const gain: Changed[] = [];
    const seen = new Set<string>();
    let [again, unreadable] = [0, 0];
    for await (const reference of this.#references()) {
      if (seen.size >= MAX_ARTIFACTS) break;
      signal.throwIfAborted();
      try {
        const found = await artifacts.find(reference);
        const { digest } = found.descriptor;
        if (seen.has(`${found.repository.name}@${digest}`)) continue;
        seen.add(`${found.repository.name}@${digest}`);
        const resource = await artifacts.resource(found);
        const question = policyRequestOf({ principal: owner, action: "artifact:clear", resource }, owner);
        const after = candidate.decide(question);
        const isCleared = resource.attributes?.["cleared"] === true;
        const policies = after.policies.map(({ id }) => id);
        const changed = { reference: found.reference, digest, policies, reason: after.reason };
        if (isCleared && !after.allow) lose.push(changed);
        else if (isCleared) again += 1;
        else if (after.allow && !inForce.decide(question).allow) gain.push(changed);
      } catch (error) {
        if (!isPratiqueError(error)) throw error;
        unreadable += 1;
      }
    }
    return { looked: seen.size, lose, gain, again: candidate.digest === inForce.digest ? 0 : again, unreadable };
  }

  async *#references(): AsyncGenerator<string> {
    const { store, artifacts } = this.#options;
    for (const name of await store.repositories()) {
      for (const tag of await artifacts.tags(name)) if (!/^sha(?:256|512)-[0-9a-f]+/.test(tag)) yield `${name}:${tag}`;
    }
  }
}

/** A listing is decided item by item, and its record has the counts. */
function isList({ details }: AuditRecord): boolean {
  return typeof details?.["offered"] === "number" && typeof details["shown"] === "number";
}

function recordedOf(record: AuditRecord): Parameters<Simulation["add"]>[0] {
  const { id, time, principal, action, resource, decision, inputs } = record;
  return {
    record: id,
    time,
    who: principal.name ?? principal.id,
    action,
    what: resource.id,
    allow: decision === "allow",
    inputs,
    digest: resource.digest,
  };
}
