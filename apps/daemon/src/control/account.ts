// The auditor's desk: records, reasons, and the proof of the log.
import { setTimeout as delay } from "node:timers/promises";
import type { AuditLog } from "@pratique/audit";
import type { AuditRecord, AuditVerifyResult, Principal, RecordList, WhyResult } from "@pratique/contracts";
import { allowedOrThrow, type Guard, type GuardResource } from "@pratique/guard";
import { daemonErrors } from "../errors.ts";

const LOG_RESOURCE: GuardResource = { type: "AuditLog", id: "log" };
const MAX_RECORDS = 1000;
const FOLLOW_POLL_MS = 200;

export class Account {
  readonly #audit: AuditLog;
  readonly #guard: Guard;

  constructor(audit: AuditLog, guard: Guard) {
    this.#audit = audit;
    this.#guard = guard;
  }

  async records(principal: Principal, query: URLSearchParams): Promise<RecordList> {
    const after = numberOf(query, "after");
    const limit = Math.min(numberOf(query, "limit") ?? 100, MAX_RECORDS);
    const filter = { ...filterOf(query), limit };
    return await this.#read(principal, async () => {
      if (after === undefined)
        return { records: (await this.#audit.find({ ...filter, order: "newest" })).toReversed() };
      return { records: await this.#audit.find({ ...filter, after, order: "oldest" }) };
    });
  }

  /** Records after a sequence number, and then each new one until the client goes away. */
  async follow(principal: Principal, query: URLSearchParams, signal: AbortSignal): Promise<AsyncIterable<AuditRecord>> {
    const after = numberOf(query, "after") ?? this.#audit.size() - 1;
    await this.#read(principal, async () => undefined);
    return this.#newRecords(filterOf(query), after, signal);
  }

  async *#newRecords(
    filter: ReturnType<typeof filterOf>,
    from: number,
    signal: AbortSignal,
  ): AsyncGenerator<AuditRecord> {
    let after = from;
    while (!signal.aborted) {
      const records =
        this.#audit.size() - 1 > after
          ? await this.#audit.find({ ...filter, after, order: "oldest", limit: MAX_RECORDS })
          : [];
      yield* records;
      if (records.length > 0) after = records.at(-1)!.sequence;
      else await delay(FOLLOW_POLL_MS, undefined, { signal }).catch(() => undefined);
    }
  }

  async why(principal: Principal, id: string): Promise<WhyResult> {
    return await this.#read(principal, async () => {
      const record = await this.#find(id);
      if (record === undefined) throw daemonErrors("record.not-found", { id: id.slice(0, 80) });
      return { record, explanation: explain(record) };
    });
  }

  async verify(principal: Principal): Promise<AuditVerifyResult> {
    return await this.#read(principal, async () => {
      const report = await this.#audit.verify();
      return { ...report, checks: [...report.checks] };
    });
  }

  /** By id, or by the number that lists show. */
  async #find(id: string): Promise<AuditRecord | undefined> {
    if (!/^\d{1,15}$/.test(id)) return await this.#audit.get(id);
    const sequence = Number(id);
    const [record] = await this.#audit.find({ after: sequence - 1, limit: 1, order: "oldest" });
    return record?.sequence === sequence ? record : undefined;
  }

  async #read<T>(principal: Principal, read: () => Promise<T>): Promise<T> {
    return allowedOrThrow(await this.#guard.perform({ principal, action: "audit:read", resource: LOG_RESOURCE }, read));
  }
}

/** A record in words: who, what, which policy, and what would help. */
export function explain(record: AuditRecord): string {
  const { principal, resource } = record;
  const lines = [
    `${record.decision === "allow" ? "allowed" : "denied"}  ${record.action} ${resource.id}`,
    `  when     ${record.time}, record ${record.sequence}`,
    `  who      ${principal.actingFor === undefined && principal.name !== undefined ? `${principal.name}, ` : ""}${principal.id}`,
    ...(principal.actingFor === undefined
      ? []
      : [`  for      ${[principal.name, principal.actingFor].filter((part) => part !== undefined).join(", ")}`]),
    ...(principal.artifact === undefined ? [] : [`  agent    ${principal.artifact}`]),
    ...(resource.digest === undefined ? [] : [`  what     ${resource.digest}`]),
    ...(record.run === undefined ? [] : [`  run      ${record.run}`]),
    `  policy   ${record.policyDigest}`,
    ...record.policies.map((policy) => `  ${policy.effect.padEnd(8)} ${policy.id}`),
    `  because  ${record.reason}`,
    ...(record.remedy === undefined ? [] : [`  try      ${record.remedy}`]),
    `  outcome  ${record.outcome}${record.error === undefined ? "" : `: ${record.error.message} [${record.error.code}]`}`,
  ];
  return lines.join("\n");
}

function filterOf(query: URLSearchParams): { run?: string; action?: string; decision?: string } {
  const entries = ["run", "action", "decision"].flatMap((name) => {
    const value = query.get(name);
    return value === null ? [] : [[name, value] as const];
  });
  return Object.fromEntries(entries);
}

function numberOf(query: URLSearchParams, name: string): number | undefined {
  const text = query.get(name);
  if (text === null) return undefined;
  const value = Number(text);
  if (!Number.isInteger(value) || value < (name === "limit" ? 1 : -1))
    throw daemonErrors("control.bad-request", { problem: `${name} is not a number that makes sense here` });
  return value;
}
