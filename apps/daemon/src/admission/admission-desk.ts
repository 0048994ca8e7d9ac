// Tells how admission is set up, for who writes a cluster's webhook configuration.
import type { AdmissionConfig, AdmissionStatus, Principal } from "@pratique/contracts";
import { allowedOrThrow, type Guard } from "@pratique/guard";
import { systemResource } from "../artifacts/artifacts.ts";

export class AdmissionDesk {
  readonly #guard: Guard;
  readonly #config: AdmissionConfig;

  constructor(guard: Guard, config: AdmissionConfig) {
    this.#guard = guard;
    this.#config = config;
  }

  async status(principal: Principal): Promise<AdmissionStatus> {
    const { listen, clientAuthority, tokenFile, exemptNamespaces, pin, timeout } = this.#config;
    const act = { principal, action: "admin:read", resource: systemResource } as const;
    return allowedOrThrow(
      await this.#guard.perform(act, async () => ({
        ...(listen === undefined ? {} : { listen }),
        authentication: [
          ...(clientAuthority === undefined ? [] : (["certificate"] as const)),
          ...(tokenFile === undefined ? [] : (["token"] as const)),
        ],
        exemptNamespaces: [...exemptNamespaces],
        pin,
        timeoutMs: timeout,
      })),
    );
  }
}
