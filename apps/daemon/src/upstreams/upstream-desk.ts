// How upstream registries fare, for those who may know.
import type { Principal, UpstreamStatus } from "@pratique/contracts";
import { allowedOrThrow, type Guard } from "@pratique/guard";
import type { PullThrough } from "@pratique/registry";
import { systemResource } from "../artifacts/artifacts.ts";

export class UpstreamDesk {
  readonly #pullThrough: PullThrough;
  readonly #guard: Guard;

  constructor(pullThrough: PullThrough, guard: Guard) {
    this.#pullThrough = pullThrough;
    this.#guard = guard;
  }

  async list(principal: Principal): Promise<UpstreamStatus[]> {
    const act = { principal, action: "admin:read" as const, resource: systemResource };
    return allowedOrThrow(await this.#guard.perform(act, async () => this.#pullThrough.states()));
  }

  /** Those that do not serve. */
  failing(): UpstreamStatus[] {
    return this.#pullThrough.states().filter(({ state }) => state === "down" || state === "resting");
  }
}
