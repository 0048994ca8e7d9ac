// What servers say of themselves, beside what was approved: kept, reviewed, approved, recorded.
import type { DriftConfig, Principal, ServerApprovalResult, ServerReview, UserPrincipal } from "@pratique/contracts";
import { describeError, Mutex, type Clock, type Log } from "@pratique/core";
import { readPin, ServerDrift, type DriftEvent, type Pin } from "@pratique/gateway";
import { allowedOrThrow, type Guard } from "@pratique/guard";
import type { ServerPinTable } from "@pratique/store";
import { systemResource } from "../artifacts/artifacts.ts";

export interface DriftDeskOptions {
  readonly config: DriftConfig;
  readonly table: ServerPinTable;
  readonly guard: Guard;
  /** On whose behalf the gateway writes down what it sees. */
  readonly owner: UserPrincipal;
  readonly clock: Clock;
  readonly log: Log;
  /** Told when something was approved. */
  readonly onChange: () => void;
}

export class DriftDesk {
  readonly #options: DriftDeskOptions;
  readonly #approving = new Mutex();
  /** What is being written, so that nothing is lost when the daemon stops. */
  readonly #writing = new Set<Promise<void>>();
  readonly drift: ServerDrift;

  private constructor(options: DriftDeskOptions, pins: readonly (readonly [string, Pin])[]) {
    this.#options = options;
    this.drift = new ServerDrift({
      config: options.config,
      clock: options.clock,
      pins,
      keep: (key, pin) => options.table.put({ key, body: JSON.stringify(pin), pinnedAt: pin.at }),
      tell: (event, kept) => this.#note(event, kept),
    });
  }

  static async open(options: DriftDeskOptions): Promise<DriftDesk> {
    const pins = (await options.table.list()).flatMap(({ key, body }): [string, Pin][] => {
      const pin = readPin(body);
      if (pin === undefined) options.log.error("what was approved of a server cannot be read", { server: key });
      // Held until somebody approves it again: nothing counts as approved that cannot be read.
      return [[key, pin ?? { baseline: "person", at: options.clock.now().toISOString(), tools: {} }]];
    });
    return new DriftDesk(options, pins);
  }

  async reviews(principal: Principal): Promise<ServerReview[]> {
    const act = { principal, action: "admin:read", resource: systemResource, details: { what: "drift" } } as const;
    return allowedOrThrow(await this.#options.guard.perform(act, async () => this.drift.reviews()));
  }

  /** @throws `gateway.unknown-server`, `gateway.review-outdated`, `policy.denied` */
  async approve(principal: Principal, server: string, digest: string): Promise<ServerApprovalResult> {
    const { guard, onChange } = this.#options;
    return await this.#approving.run(async () => {
      const details = { what: "server-approval", server, digest };
      const act = { principal, action: "admin:write", resource: systemResource, details } as const;
      const outcome = await guard.perform(act, async () => this.drift.requireCurrent(server, digest));
      allowedOrThrow(outcome);
      // After its record: what could not be recorded was not approved.
      const by = "name" in principal ? principal.name : principal.id;
      const { tools } = await this.drift.approve(server, digest, by);
      onChange();
      return { server, tools, record: outcome.record.id };
    });
  }

  async close(): Promise<void> {
    await Promise.allSettled(this.#writing);
  }

  #note(event: DriftEvent, kept: Promise<void> | undefined): void {
    const { guard, owner, log } = this.#options;
    const { type, server, digest, what } = event;
    if (type === "held") log.warn("a server is not what was approved", { server, held: [...what].slice(0, 20) });
    const details = { what: "drift", event: type, server, digest, tools: [...what].slice(0, 200) };
    const written = (async () => {
      try {
        await kept;
        await guard.perform(
          { principal: owner, action: "admin:write", resource: systemResource, details },
          async () => undefined,
        );
      } catch (error) {
        log.error("what a server says of itself could not be kept", { server, ...describeError(error) });
      }
    })();
    this.#writing.add(written);
    void written.then(() => this.#writing.delete(written));
  }
}
