// Puts admission together: the judge, its door on the main listener, and its own address when one is configured.
import type { Config, Principal } from "@pratique/contracts";
import type { Log } from "@pratique/core";
import type { Guard } from "@pratique/guard";
import { createAdmissionApi, type AdmissionApi } from "./admission-api.ts";
import { listenForAdmission, type AdmissionListener } from "./admission-listener.ts";
import { ImageLookup, type ImageLookupOptions } from "./image-lookup.ts";
import { ImageJudge } from "./judge-image.ts";
import { ReviewJudge } from "./judge-review.ts";

export interface AdmissionOptions extends Omit<ImageLookupOptions, "names"> {
  readonly config: Config["admission"];
  readonly configFile: string;
  readonly guard: Guard;
  readonly owner: Principal;
  readonly log: Log;
}

export interface Admission {
  readonly api: AdmissionApi;
  /** Begins to listen on its own address, if there is one. */
  listen(): Promise<AdmissionListener | undefined>;
}

export function openAdmission(options: AdmissionOptions): Admission {
  const { config, configFile, guard, owner, log } = options;
  const lookup = new ImageLookup({ ...options, names: config.registries });
  const judge = new ReviewJudge(new ImageJudge(guard, lookup), config, log);
  const api = createAdmissionApi(judge, config);
  return { api, listen: () => listenForAdmission({ config, configFile, api, principal: owner, log }) };
}
