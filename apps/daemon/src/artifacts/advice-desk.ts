// Advice on how to run a server that lies on this machine. It reads, and runs nothing.
import type { AdviseRequest, AdviseResult, Principal } from "@pratique/contracts";
import { allowedOrThrow, type Guard } from "@pratique/guard";
import { adviseOn } from "@pratique/packaging";
import { isAbsolute } from "node:path";
import { daemonErrors } from "../errors.ts";
import { systemResource } from "./artifacts.ts";

export class AdviceDesk {
  readonly #guard: Guard;
  readonly #cacheDirectory: string;

  constructor(options: { guard: Guard; cacheDirectory: string }) {
    this.#guard = options.guard;
    this.#cacheDirectory = options.cacheDirectory;
  }

  async advise(principal: Principal, request: AdviseRequest): Promise<AdviseResult> {
    if (!isAbsolute(request.path)) throw daemonErrors("control.bad-request", { problem: "path must be absolute" });
    const { path, ...setting } = request;
    const outcome = await this.#guard.perform(
      { principal, action: "admin:read", resource: systemResource, details: { advise: path } },
      () => adviseOn(path, setting, this.#cacheDirectory),
    );
    return allowedOrThrow(outcome);
  }
}
