// Puts admission together: the judge, its door on the main listener, and its own address when one is configured.
import type { Config, Principal } from "@pratique/contracts";
import type { Log } from "@pratique/core";
import type { Guard } from "@pratique/guard";
import type { Artifacts } from "../artifacts/artifacts.ts";
import type { Transfers } from "../artifacts/transfers.ts";
import type { Home } from "../home.ts";
import type { PolicyInForce } from "../policies/policy-in-force.ts";
import { createAdmissionApi, type AdmissionApi } from "./admission-api.ts";
import { AdmissionDesk } from "./admission-desk.ts";
import { listenForAdmission } from "./admission-listener.ts";
import { ImageLookup, type ImageLookupOptions } from "./image-lookup.ts";
import { ImageJudge } from "./judge-image.ts";
import { ReviewJudge } from "./judge-review.ts";
import { ownImage } from "./own-image.ts";

export interface AdmissionOptions extends Omit<ImageLookupOptions, "names" | "own" | "remote" | "policyDigest"> {
  readonly config: Pick<Config, "admission">;
  readonly home: Pick<Home, "configFile">;
  readonly policies: PolicyInForce;
  readonly artifacts: Artifacts;
  readonly transfers: Transfers;
  readonly guard: Guard;
  readonly owner: Principal;
  readonly log: Log;
  onClose(close: () => Promise<void>): void;
}

export interface Admission {
  readonly api: AdmissionApi;
  readonly desk: AdmissionDesk;
  /** Begins to listen on its own address, if there is one. */
  listen(): Promise<void>;
}

export function openAdmission(options: AdmissionOptions): Admission {
  const { guard, owner, log, artifacts, transfers, registry, policies, onClose } = options;
  const { configFile } = options.home;
  const config = options.config.admission;
  const lookup = new ImageLookup({
    ...options,
    names: config.registries,
    policyDigest: () => policies.current.digest,
    own: (repository, ref) => ownImage(artifacts, registry, repository, ref),
    remote: (principal, reference, signal) => transfers.repository(principal, reference, signal),
  });
  const judge = new ReviewJudge(new ImageJudge(guard, lookup), config, log);
  const api = createAdmissionApi(judge, config);
  return {
    api,
    desk: new AdmissionDesk(guard, config),
    listen: async () => {
      const listener = await listenForAdmission({ config, configFile, api, principal: owner, log });
      if (listener !== undefined) onClose(() => listener.close());
    },
  };
}
