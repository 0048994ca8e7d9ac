// Fingerprints of what looks like a secret and is none: let through, listed, taken back.
import type { Principal, SecretAllowance } from "@pratique/contracts";
import { Mutex, type Clock } from "@pratique/core";
import { allowedOrThrow, type Guard } from "@pratique/guard";
import type { SecretAllowanceTable } from "@pratique/store";
import { systemResource } from "../artifacts/artifacts.ts";
import { daemonErrors } from "../errors.ts";

export interface AllowanceDeskOptions {
  readonly table: SecretAllowanceTable;
  readonly guard: Guard;
  readonly clock: Clock;
  /** Told when one came or went. */
  readonly onChange: () => void;
}

/** In memory, made of the rows: asked for whatever the secret guard finds. */
export class AllowanceDesk {
  readonly #options: AllowanceDeskOptions;
  readonly #changing = new Mutex();
  #fingerprints: ReadonlySet<string> = new Set();

  private constructor(options: AllowanceDeskOptions) {
    this.#options = options;
  }

  static async open(options: AllowanceDeskOptions): Promise<AllowanceDesk> {
    const desk = new AllowanceDesk(options);
    await desk.#load();
    return desk;
  }

  has(fingerprint: string): boolean {
    return this.#fingerprints.has(fingerprint);
  }

  async list(principal: Principal): Promise<SecretAllowance[]> {
    const { guard, table } = this.#options;
    const act = {
      principal,
      action: "admin:read",
      resource: systemResource,
      details: { what: "allowances" },
    } as const;
    const rows = allowedOrThrow(await guard.perform(act, () => table.list()));
    return rows.map(({ fingerprint, reason, allowedBy, allowedAt }) => ({
      fingerprint,
      reason,
      by: allowedBy,
      at: allowedAt,
    }));
  }

  async allow(principal: Principal, fingerprint: string, reason: string): Promise<SecretAllowance> {
    const { guard, table, clock, onChange } = this.#options;
    return await this.#changing.run(async () => {
      const by = "name" in principal ? principal.name : principal.id;
      const at = clock.now().toISOString();
      const details = { what: "secret-allowance", fingerprint, reason };
      const act = { principal, action: "admin:write", resource: systemResource, details } as const;
      // It counts once its record is durable, and not before.
      const outcome = await guard.perform(act, () =>
        table.put({ fingerprint, reason, allowedBy: by, allowedAt: at, record: null }),
      );
      allowedOrThrow(outcome);
      await table.confirm(fingerprint, outcome.record.id);
      await this.#load();
      onChange();
      return { fingerprint, reason, by, at };
    });
  }

  /** @throws `secret-guard.not-allowed` when there is none */
  async forget(principal: Principal, fingerprint: string): Promise<void> {
    const { guard, table, onChange } = this.#options;
    await this.#changing.run(async () => {
      const details = { what: "secret-allowance", fingerprint, removed: true };
      const act = { principal, action: "admin:write", resource: systemResource, details } as const;
      const isRemoved = allowedOrThrow(await guard.perform(act, () => table.remove(fingerprint)));
      if (!isRemoved) throw daemonErrors("secret-guard.not-allowed", { fingerprint });
      await this.#load();
      onChange();
    });
  }

  async #load(): Promise<void> {
    this.#fingerprints = new Set((await this.#options.table.list()).map(({ fingerprint }) => fingerprint));
  }
}
