// `pratique.yaml`: every key that the daemon reads. docs/reference/configuration.md is generated from here.
import { AdmissionConfig } from "./admission-config.schema.ts";
import { ApprovalsConfig } from "./approvals-config.schema.ts";
import { TrustConfig } from "./trust-config.schema.ts";
import { LoginsConfig, ServerAuthConfig } from "./server-auth-config.schema.ts";
import { SecretsConfig } from "./secrets-config.schema.ts";
import { SigstoreConfig } from "./sigstore-config.schema.ts";
import { SigningConfig } from "./signing-config.schema.ts";
import { z } from "zod";
import { HOUSEKEEPING_KEYS } from "./housekeeping-config.schema.ts";
import { UPKEEP_KEYS } from "./upkeep-config.schema.ts";
import { GATEWAY_ROUTER_KEYS } from "./gateway-profile.schema.ts";
import { RegistryClientConfig } from "./registry-client-config.schema.ts";
import { ClearanceConfig } from "./clearance-config.schema.ts";
import { PackagingConfig } from "./packaging-config.schema.ts";
import { CATALOG_GATEWAY_KEYS, GatewayEntryConfig } from "./catalog-config.schema.ts";
import { GATEWAY_SHIELD_KEYS } from "./gateway-shield-config.schema.ts";
import { ENTRY_OVERRIDE_KEYS, GATEWAY_LIFE_KEYS, GatewayReferenceConfig } from "./server-life-config.schema.ts";
import { SbomConfig } from "./sbom.schema.ts";
import { StorageConfig } from "./storage-config.schema.ts";
import { TelemetryConfig } from "./telemetry-config.schema.ts";
import { UpstreamsConfig } from "./upstream-config.schema.ts";
import { VulnerabilitiesConfig } from "./vulnerabilities-config.schema.ts";

export const GatewayServerConfig = z.union([
  GatewayEntryConfig.extend(ENTRY_OVERRIDE_KEYS),
  GatewayReferenceConfig,
  z.strictObject({
    url: z.url().describe("Address of an MCP server that speaks Streamable HTTP"),
    readOnlyTools: z
      .array(z.string())
      .default([])
      .describe("Tools that you know to be read-only; all others count as writing"),
    auth: ServerAuthConfig.optional().describe("How the gateway proves itself to it"),
  }),
]);

export const Config = z.strictObject({
  listen: z
    .string()
    .default("127.0.0.1:7340")
    .describe("Address and port of the one listener. Only loopback addresses are accepted in this version"),
  log: z
    .strictObject({
      level: z.enum(["debug", "info", "warn", "error"]).default("info").describe("Least level of the operational log"),
    })
    .prefault({})
    .describe("Operational log, JSON lines on standard error"),
  policy: z
    .strictObject({
      directory: z
        .string()
        .optional()
        .describe(
          "Directory with `*.cedar` and `pratique.cedarschema`; by default the policies that come with Pratique",
        ),
      packs: z
        .array(z.string().min(1).max(1000))
        .max(50)
        .default([])
        .describe(
          "Policy packs beside them: names (`pratique policy packs`), directories (`./…`, `/…`), or signed artifacts of the own registry by digest (`team/our-pack@sha256:…`)",
        ),
    })
    .prefault({})
    .describe("Policy set in force"),
  engine: z
    .strictObject({
      llamaServer: z
        .string()
        .optional()
        .describe("Path of a `llama-server`; by default the one on PATH, else the engine from npm"),
      contextTokens: z
        .int()
        .min(128)
        .max(1_048_576)
        .optional()
        .describe("Context window of a local model; by default the model's own"),
    })
    .prefault({})
    .describe("What runs local models"),
  container: z
    .strictObject({
      socket: z
        .string()
        .optional()
        .describe("Socket of a Docker-compatible API; by default Docker's and podman's usual places are tried"),
      enabled: z
        .boolean()
        .default(true)
        .describe(
          "`false` turns container isolation off, so that tool servers are refused unless a run allows them unisolated",
        ),
    })
    .prefault({})
    .describe("Container engine that isolates tool servers"),
  registry: z
    .strictObject({
      ...HOUSEKEEPING_KEYS,
      ...UPKEEP_KEYS,
      storage: StorageConfig.prefault({ type: "disk" }).describe("Where the content lies"),
      upstreams: UpstreamsConfig,
      client: RegistryClientConfig.prefault({}).describe("How other registries are reached by push and pull"),
    })
    .prefault({})
    .describe("Embedded registry"),
  trust: TrustConfig.prefault({}).describe("Whose evidence counts beside the owner's own"),
  secrets: SecretsConfig.prefault({}).describe("Where secrets lie, and under which keys"),
  signing: SigningConfig.prefault({}).describe("Keys that sign"),
  sigstore: SigstoreConfig.prefault({}).describe("Embedded Sigstore: certificates, transparency log and timestamps"),
  clearance: ClearanceConfig.prefault({}).describe("How clearances are kept"),
  gateway: z
    .strictObject({
      ...CATALOG_GATEWAY_KEYS,
      servers: z
        .record(z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/), GatewayServerConfig)
        .default({})
        .describe("MCP servers behind /mcp, by name"),
      ...GATEWAY_ROUTER_KEYS,
      ...GATEWAY_LIFE_KEYS,
      ...GATEWAY_SHIELD_KEYS,
      logins: LoginsConfig.prefault({}).describe("Logins to servers that somebody else runs"),
    })
    .prefault({})
    .describe("MCP gateway"),
  approvals: ApprovalsConfig.prefault({}).describe("Acts that wait for a person's yes"),
  telemetry: TelemetryConfig.prefault({}).describe("Traces and figures (OpenTelemetry)"),
  admission: AdmissionConfig.prefault({}).describe("Kubernetes image admission"),
  vulnerabilities: VulnerabilitiesConfig.prefault({}).describe("What is known to be wrong with packages"),
  sbom: SbomConfig.prefault({}).describe("Bills of materials"),
  packaging: PackagingConfig.prefault({}).describe("Where servers are packed from"),
});
export type Config = z.infer<typeof Config>;
