// The control API: what the CLI and the console ask the daemon, and what it answers.
import type { Json } from "@pratique/core";
import { SecretKeys } from "./secret.schema.ts";
import { z } from "zod";
import { Decision } from "./decision.schema.ts";
import { Evidence, VulnerabilityFacts } from "./evidence.schema.ts";
import { Finding } from "./finding.schema.ts";
import { AppliedWaiver } from "./waiver.schema.ts";
import { Kind } from "./kind.schema.ts";
import { ModelForm } from "./model.schema.ts";
import { AuditRecord } from "./record.schema.ts";
import { UpstreamStatus } from "./upstream.schema.ts";

/** Any JSON value, typed as the house types it. */
const JsonValue: z.ZodType<Json> = z.json();

/** RFC 9457 problem, with our code and hint. */
export const Problem = z.object({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  code: z.string(),
  hint: z.string().optional(),
  details: JsonValue.optional(),
});
export type Problem = z.infer<typeof Problem>;

export const PackRequest = z.strictObject({
  /** Absolute path on the daemon's machine. */
  directory: z.string().min(1),
  /** `repository[:tag]`; by default the artifact's own name and version. */
  reference: z.string().optional(),
  kind: Kind.optional(),
  /** How a model is written; by default as ModelPack. */
  model: ModelForm.optional(),
});
export type PackRequest = z.infer<typeof PackRequest>;

export const PackResult = z.strictObject({
  kind: Kind,
  reference: z.string(),
  digest: z.string(),
  sizeBytes: z.int(),
  components: z.int(),
  sbom: z.string(),
  provenance: z.string(),
  /** What somebody should know who uses it. */
  notes: z.array(z.string()),
});
export type PackResult = z.infer<typeof PackResult>;

export const ReferenceRequest = z.strictObject({ reference: z.string().min(1) });
export type ReferenceRequest = z.infer<typeof ReferenceRequest>;

export const ClearResult = z.strictObject({
  reference: z.string(),
  digest: z.string(),
  kind: Kind,
  cleared: z.boolean(),
  decision: Decision,
  clearance: z.string().optional(),
  /** The signed refusal, where refusals are signed. */
  refusal: z.string().optional(),
  record: z.string().optional(),
  /** What it rests on: `status` says whether anything looked. */
  vulnerabilities: VulnerabilityFacts,
  waivers: z.array(AppliedWaiver),
  /** The findings that count most. */
  notable: z.array(Finding),
});
export type ClearResult = z.infer<typeof ClearResult>;

export const ArtifactSummary = z.strictObject({
  reference: z.string(),
  digest: z.string(),
  kind: z.string(),
  sizeBytes: z.int(),
  created: z.string().optional(),
  signed: z.boolean(),
  cleared: z.boolean(),
});
export type ArtifactSummary = z.infer<typeof ArtifactSummary>;

export const ArtifactDetails = z.strictObject({
  reference: z.string(),
  digest: z.string(),
  kind: Kind,
  mediaType: z.string(),
  name: z.string(),
  version: z.string().optional(),
  description: z.string().optional(),
  layers: z.array(
    z.strictObject({ mediaType: z.string(), digest: z.string(), sizeBytes: z.int(), title: z.string().optional() }),
  ),
  annotations: z.record(z.string(), z.string()),
  referrers: z.array(
    z.strictObject({ digest: z.string(), artifactType: z.string(), predicateType: z.string().optional() }),
  ),
  evidence: Evidence,
});
export type ArtifactDetails = z.infer<typeof ArtifactDetails>;

export const TransferRequest = z.strictObject({
  reference: z.string().min(1),
  /** Where it goes; for a pull, the name it gets here. */
  target: z.string().optional(),
  credentials: z.strictObject({ username: z.string(), password: z.string() }).optional(),
  /** Plain HTTP to a registry that is not on loopback. */
  insecure: z.boolean().optional(),
});
export type TransferRequest = z.infer<typeof TransferRequest>;

export const TransferResult = z.strictObject({ reference: z.string(), digest: z.string(), target: z.string() });
export type TransferResult = z.infer<typeof TransferResult>;

export const RunRequest = z.strictObject({
  agent: z.string().min(1),
  prompt: z.string().min(1).max(100_000),
  /** A model reference, or the base URL of an OpenAI-compatible API with an optional `#model` name. */
  model: z.string().optional(),
  /** API key for that address, never for one the agent names. Kept in memory for this run only. */
  modelKey: z.string().optional(),
  allowUnisolated: z.boolean().default(false),
});
export type RunRequest = z.infer<typeof RunRequest>;

/** One line of the stream that a run answers with. */
export const RunStreamEvent = z.discriminatedUnion("type", [
  z.object({
    type: z.literal("started"),
    run: z.string(),
    agent: z.string(),
    agentDigest: z.string(),
    model: z.string(),
    modelDigest: z.string().optional(),
    engine: z.string().optional(),
    isolation: z.string().optional(),
  }),
  z.object({ type: z.literal("text"), text: z.string() }),
  z.object({ type: z.literal("tool-call"), id: z.string(), tool: z.string(), arguments: JsonValue }),
  z.object({
    type: z.literal("tool-result"),
    id: z.string(),
    tool: z.string(),
    text: z.string(),
    isError: z.boolean(),
    decision: z.enum(["allow", "deny"]).optional(),
    policy: z.string().optional(),
  }),
  z.object({ type: z.literal("usage"), promptTokens: z.int(), completionTokens: z.int() }),
  z.object({ type: z.literal("finished"), run: z.string(), answer: z.string() }),
  z.object({ type: z.literal("failed"), run: z.string().optional(), problem: Problem }),
]);
export type RunStreamEvent = z.infer<typeof RunStreamEvent>;

export const RunSummary = z.strictObject({
  id: z.string(),
  agent: z.string(),
  agentDigest: z.string().optional(),
  model: z.string().optional(),
  principal: z.string(),
  status: z.enum(["running", "completed", "failed", "interrupted"]),
  startedAt: z.string(),
  endedAt: z.string().optional(),
});
export type RunSummary = z.infer<typeof RunSummary>;

export const Status = z.strictObject({
  version: z.string(),
  url: z.string(),
  home: z.string(),
  pid: z.int(),
  startedAt: z.string(),
  owner: z.string(),
  policy: z.strictObject({ digest: z.string(), policies: z.int() }),
  signingKey: z.string(),
  engine: z.strictObject({ id: z.string(), version: z.string() }).optional(),
  container: z.strictObject({ available: z.boolean(), description: z.string() }).optional(),
  artifacts: z.int(),
  runs: z.int(),
  servers: z.array(z.strictObject({ name: z.string(), state: z.string(), isolated: z.boolean() })),
  audit: z.strictObject({ records: z.int(), logKey: z.string() }),
  memoryBytes: z.int(),
  /** Artifacts with a clearance that stands, and those that lost theirs. */
  clearances: z.strictObject({ cleared: z.int(), lost: z.int() }).optional(),
  /** Those that do not serve at present. */
  upstreams: z.array(UpstreamStatus).optional(),
  /** Where the keys of secrets lie. */
  secrets: SecretKeys.optional(),
  /** What scans are made with: how many sources there are, and how old the data of the oldest is. */
  advisories: z
    .strictObject({
      sources: z.int(),
      entries: z.int(),
      oldestSeconds: z.number().optional(),
      stale: z.array(z.string()),
    })
    .optional(),
});
export type Status = z.infer<typeof Status>;

export const RecordList = z.strictObject({ records: z.array(AuditRecord) });
export type RecordList = z.infer<typeof RecordList>;

export const WhyResult = z.strictObject({ record: AuditRecord, explanation: z.string() });
export type WhyResult = z.infer<typeof WhyResult>;

export const AuditVerifyResult = z.strictObject({
  ok: z.boolean(),
  records: z.int(),
  checkpoint: z.strictObject({ size: z.int(), rootHash: z.string(), note: z.string() }),
  checks: z.array(z.strictObject({ name: z.string(), ok: z.boolean(), detail: z.string() })),
});
export type AuditVerifyResult = z.infer<typeof AuditVerifyResult>;

export const PolicyRequestBody = z.strictObject({
  /** A directory with `*.cedar`, a schema and `tests/*.yaml`; by default the set in force. */
  directory: z.string().optional(),
});
export type PolicyRequestBody = z.infer<typeof PolicyRequestBody>;

export const PolicyCheckResult = z.strictObject({
  digest: z.string(),
  policies: z.array(
    z.strictObject({
      id: z.string(),
      effect: z.enum(["permit", "forbid"]),
      reason: z.string().optional(),
      file: z.string().optional(),
    }),
  ),
});
export type PolicyCheckResult = z.infer<typeof PolicyCheckResult>;

export const PolicyTestResult = z.strictObject({
  passed: z.int(),
  failed: z.int(),
  cases: z.array(z.strictObject({ name: z.string(), ok: z.boolean(), detail: z.string().optional() })),
});
export type PolicyTestResult = z.infer<typeof PolicyTestResult>;

export const DoctorCheck = z.strictObject({
  name: z.string(),
  state: z.enum(["ok", "warning", "missing"]),
  detail: z.string(),
  /** The one command that mends it. */
  mend: z.string().optional(),
});
export type DoctorCheck = z.infer<typeof DoctorCheck>;
export const DoctorResult = z.strictObject({ ok: z.boolean(), checks: z.array(DoctorCheck) });
export type DoctorResult = z.infer<typeof DoctorResult>;
