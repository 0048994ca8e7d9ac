// The desks for policies: those in force, packs, tries, and what builders are believed.
import type { UserPrincipal } from "@pratique/contracts";
import type { AuditLog } from "@pratique/audit";
import type { Trust } from "@pratique/evidence";
import type { DecisionInputs, Guard } from "@pratique/guard";
import type { ContentStore } from "@pratique/oci";
import type { Database } from "@pratique/store";
import type { Artifacts } from "../artifacts/artifacts.ts";
import { PolicyDesk } from "../control/policy-desk.ts";
import { ProvenanceDesk } from "../provenance/provenance-desk.ts";
import { PackDesk } from "./pack-desk.ts";
import type { PolicyInForce } from "./policy-in-force.ts";
import { SimulationDesk } from "./simulation-desk.ts";

export interface PolicyDesksOptions {
  readonly guard: Guard;
  readonly policies: PolicyInForce;
  readonly artifacts: Artifacts;
  readonly store: ContentStore;
  readonly audit: AuditLog;
  readonly inputs: DecisionInputs;
  readonly database: Database;
  readonly owner: UserPrincipal;
  readonly trust: Trust;
}

export interface PolicyDesks {
  readonly policy: PolicyDesk;
  readonly packs: PackDesk;
  readonly simulations: SimulationDesk;
  readonly provenance: ProvenanceDesk;
}

/** Also puts the packs in force that only the registry has. @throws `policy.pack-not-trusted`, `artifact.not-found` */
export async function openPolicyDesks(options: PolicyDesksOptions): Promise<PolicyDesks> {
  const { guard, policies, artifacts, database, trust } = options;
  const packs = new PackDesk({ guard, policies, artifacts });
  await packs.open();
  return {
    policy: new PolicyDesk(guard, policies),
    packs,
    simulations: new SimulationDesk({ ...options, packs, table: database.decisionInputs }),
    provenance: new ProvenanceDesk({ artifacts, guard, trust }),
  };
}
