// The operations of the control API: each asks one part of the daemon.
import {
  ArtifactDetails,
  ArtifactSummary,
  AuditRecord,
  AuditVerifyResult,
  ClearResult,
  DoctorResult,
  PackRequest,
  PackResult,
  PolicyCheckResult,
  PolicyRequestBody,
  PolicyTestResult,
  RecordList,
  ReferenceRequest,
  RunRequest,
  RunStreamEvent,
  RunSummary,
  Status,
  TransferRequest,
  TransferResult,
  WhyResult,
} from "@pratique/contracts";
import { z } from "zod";
import type { AdvisoryDesk } from "../advisories/advisory-desk.ts";
import type { Artifacts } from "../artifacts/artifacts.ts";
import type { AgentLocks } from "../artifacts/agent-locks.ts";
import type { Bundles } from "../artifacts/bundles.ts";
import type { SkillPlaces } from "../artifacts/skill-places.ts";
import type { Skills } from "../artifacts/skills.ts";
import type { ModelDesk } from "../artifacts/model-desk.ts";
import type { Deltas } from "../artifacts/deltas.ts";
import type { AdviceDesk } from "../artifacts/advice-desk.ts";
import type { DiffDesk } from "../sboms/diff-desk.ts";
import type { SbomDesk } from "../sboms/sbom-desk.ts";
import type { ServerPacks } from "../artifacts/server-packs.ts";
import type { Transfers } from "../artifacts/transfers.ts";
import { daemonErrors } from "../errors.ts";
import type { Clearing } from "../clearance/open-clearance.ts";
import type { Account } from "./account.ts";
import type { ApprovalDesk } from "../approvals/approval-desk.ts";
import { approvalOperations } from "./approval-operations.ts";
import { advisoryOperations } from "./advisory-operations.ts";
import { scanOperations, type ScanDesks } from "./scan-operations.ts";
import { clearanceOperations } from "./clearance-operations.ts";
import type { CatalogDesk } from "../catalogs/catalog-desk.ts";
import { catalogOperations } from "./catalog-operations.ts";
import { bundleOperations } from "./bundle-operations.ts";
import { gatewayOperations, type GatewayDesks } from "./gateway-operations.ts";
import { housekeepingOperations, type HousekeepingDesks } from "./housekeeping-operations.ts";
import { loginOperations } from "./login-operations.ts";
import type { LoginDesk } from "../secrets/login-desk.ts";
import { secretOperations } from "./secret-operations.ts";
import type { SecretDesk } from "../secrets/secret-desk.ts";
import { signingOperations, type SigningDesks } from "./signing-operations.ts";
import { serverOperations } from "./server-operations.ts";
import type { ServerDesk } from "../servers/server-desk.ts";
import { toolServerOperations } from "./tool-server-operations.ts";
import { transferOperations } from "./transfer-operations.ts";
import { skillOperations } from "./skill-operations.ts";
import { modelOperations } from "./model-operations.ts";
import { deltaOperations } from "./delta-operations.ts";
import { sbomOperations } from "./sbom-operations.ts";
import { follow, get, post, stream, type Operation } from "./operation.ts";
import type { PolicyDesk } from "./policy-desk.ts";
import { policyPackOperations } from "./policy-pack-operations.ts";
import type { PackDesk } from "../policies/pack-desk.ts";
import type { AdmissionDesk } from "../admission/admission-desk.ts";
import { admissionOperations } from "./admission-operations.ts";
import type { ProvenanceDesk } from "../provenance/provenance-desk.ts";
import { provenanceOperations } from "./provenance-operations.ts";
import type { SimulationDesk } from "../policies/simulation-desk.ts";
import type { UpkeepDesk } from "../housekeeping/upkeep-desk.ts";
import { upkeepOperations } from "./upkeep-operations.ts";
import { sigstoreOperations } from "./sigstore-operations.ts";
import type { SigstoreDesk } from "../sigstore/sigstore-desk.ts";
import { shieldOperations, type ShieldDesks } from "./shield-operations.ts";
import type { StatusDesk } from "./status-desk.ts";
import type { Runs } from "../runs/runs.ts";
import type { UpstreamDesk } from "../upstreams/upstream-desk.ts";
import { upstreamOperations } from "./upstream-operations.ts";

export interface Desks {
  readonly artifacts: Artifacts;
  readonly catalogs: CatalogDesk;
  readonly signatures: SigningDesks;
  readonly secrets: SecretDesk;
  readonly logins: LoginDesk;
  readonly transfers: Transfers;
  readonly servers: ServerPacks;
  readonly advice: AdviceDesk;
  readonly models: ModelDesk;
  readonly deltas: Deltas;
  readonly bundles: Bundles;
  readonly skills: Skills;
  readonly skillPlaces: SkillPlaces;
  readonly locks: AgentLocks;
  readonly sboms: SbomDesk;
  readonly diffs: DiffDesk;
  readonly runs: Runs;
  readonly account: Account;
  readonly policy: PolicyDesk;
  readonly packs: PackDesk;
  readonly simulations: SimulationDesk;
  readonly provenance: ProvenanceDesk;
  readonly admission: AdmissionDesk;
  readonly status: StatusDesk;
  readonly house: HousekeepingDesks;
  readonly upstreams: UpstreamDesk;
  readonly upkeep: UpkeepDesk;
  readonly advisories: AdvisoryDesk;
  readonly sigstore: SigstoreDesk;
  readonly clearing: Clearing;
  readonly scanning: ScanDesks;
  readonly shield: ShieldDesks;
  readonly approvals: ApprovalDesk;
  readonly toolServers: ServerDesk;
  readonly gateway: GatewayDesks;
}

/** Everything under `/control/v1`. */
export function controlOperations(desks: Desks): Operation[] {
  const { artifacts, transfers, runs, account, policy, status } = desks;
  return [
    ...catalogOperations(desks.catalogs),
    ...housekeepingOperations(desks.house),
    ...secretOperations(desks.secrets),
    ...loginOperations(desks.logins),
    ...sbomOperations(desks.sboms, desks.diffs),
    ...upstreamOperations(desks.upstreams),
    ...upkeepOperations(desks.upkeep),
    ...advisoryOperations(desks.advisories),
    ...sigstoreOperations(desks.sigstore),
    ...clearanceOperations(desks.clearing),
    ...scanOperations(desks.scanning),
    ...shieldOperations(desks.shield),
    ...approvalOperations(desks.approvals),
    ...toolServerOperations(desks.toolServers),
    ...gatewayOperations(desks.gateway),
    ...admissionOperations(desks.admission),
    ...provenanceOperations(desks.provenance),
    ...policyPackOperations(desks.packs, desks.simulations),
    get("/status", "What is running", Status, ({ principal }) => status.status(principal)),
    get("/doctor", "What is installed, what is missing, and what mends it", DoctorResult, ({ principal }) =>
      status.doctor(principal),
    ),
    get(
      "/artifacts",
      "List artifacts",
      z.strictObject({ artifacts: z.array(ArtifactSummary) }),
      async ({ principal }) => ({
        artifacts: await artifacts.list(principal),
      }),
    ),
    get(
      "/artifacts/inspect",
      "One artifact, its layers, referrers and evidence",
      ArtifactDetails,
      ({ principal, query }) => artifacts.inspect(principal, required(query, "reference")),
      { reference: "Reference of the artifact" },
    ),
    post("/artifacts/pack", "Pack a directory", PackRequest, PackResult, ({ principal, body }) =>
      artifacts.pack(principal, body),
    ),
    ...signingOperations(desks.signatures),
    post("/artifacts/clear", "Clear an artifact", ReferenceRequest, ClearResult, ({ principal, body }) =>
      desks.clearing.clearances.clear(principal, body.reference),
    ),
    post(
      "/artifacts/push",
      "Copy an artifact to another registry",
      TransferRequest,
      TransferResult,
      ({ principal, body }) => transfers.push(principal, body),
    ),
    post(
      "/artifacts/pull",
      "Copy an artifact from another registry",
      TransferRequest,
      TransferResult,
      ({ principal, body }) => transfers.pull(principal, body),
    ),
    ...skillOperations(desks.skills, desks.skillPlaces),
    ...transferOperations(transfers, artifacts, desks.servers),
    ...serverOperations(desks.advice),
    ...modelOperations(desks.models),
    ...deltaOperations(desks.deltas),
    ...bundleOperations(desks.bundles, desks.locks),
    stream("/runs", "Run an agent", RunRequest, RunStreamEvent, ({ principal, body, signal }) =>
      runs.start(principal, body, signal),
    ),
    get("/runs", "List runs, newest first", z.strictObject({ runs: z.array(RunSummary) }), async ({ principal }) => ({
      runs: await runs.list(principal),
    })),
    get(
      "/records",
      "List records, oldest first",
      RecordList,
      ({ principal, query }) => account.records(principal, query),
      {
        run: "Only this run's",
        action: "Only this action's",
        decision: "allow or deny",
        after: "Only records after this sequence number",
        limit: "At most this many (1000 at most)",
      },
    ),
    follow(
      "/records/follow",
      "New records, as they come",
      AuditRecord,
      ({ principal, query, signal }) => account.follow(principal, query, signal),
      {
        run: "Only this run's",
        decision: "allow or deny",
        after: "Begin after this sequence number",
      },
    ),
    get("/records/{id}/why", "Explain a decision", WhyResult, ({ principal, path }) =>
      account.why(principal, path["id"]!),
    ),
    post("/audit/verify", "Prove the log", z.strictObject({}), AuditVerifyResult, ({ principal }) =>
      account.verify(principal),
    ),
    post("/policy/check", "Validate policies", PolicyRequestBody, PolicyCheckResult, ({ principal, body }) =>
      policy.check(principal, body),
    ),
    post("/policy/test", "Run the cases of policies", PolicyRequestBody, PolicyTestResult, ({ principal, body }) =>
      policy.test(principal, body),
    ),
  ];
}

function required(query: URLSearchParams, name: string): string {
  const value = query.get(name);
  if (value === null || value === "") throw daemonErrors("control.bad-request", { problem: `${name} is missing` });
  return value;
}
