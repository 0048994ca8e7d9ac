// The desks of signing and verifying, put together.
import type { Config } from "@pratique/contracts";
import type { Clock } from "@pratique/core";
import type { ActIntents, KeyRing, Trust } from "@pratique/evidence";
import type { Guard } from "@pratique/guard";
import type { Artifacts } from "../artifacts/artifacts.ts";
import type { SigningDesks } from "../control/signing-operations.ts";
import { ModelDirectories } from "./model-directories.ts";
import { SigningDesk } from "./signing-desk.ts";
import { VerifyDesk } from "./verify-desk.ts";

export interface SigningOptions {
  readonly config: Config["signing"];
  readonly artifacts: Artifacts;
  readonly guard: Guard;
  readonly keys: KeyRing;
  readonly trust: Trust;
  readonly intents: ActIntents;
  readonly clock: Clock;
}

export function openSigning({ config, artifacts, guard, keys, trust, intents, clock }: SigningOptions): SigningDesks {
  const signing = new SigningDesk({ artifacts, guard, keys, config, intents, clock });
  return {
    signing,
    verifying: new VerifyDesk({ artifacts, guard, trust }),
    modelDirectories: new ModelDirectories({ signing, keys, trust, guard }),
  };
}
