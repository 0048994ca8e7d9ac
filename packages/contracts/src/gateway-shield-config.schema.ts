// What the gateway holds back: secrets in messages, servers that changed, and messages that others' code refuses.
import { z } from "zod";
import { ProfileName } from "./gateway-profile.schema.ts";
import { ServerName } from "./server-entry.schema.ts";

const SecretAction = z.enum(["block", "redact", "off"]);
export type SecretAction = z.infer<typeof SecretAction>;

const ACTIONS = "`block` refuses the message, `redact` takes the secret out of it, `off` does not look";

const SecretGuardRule = z.strictObject({
  arguments: SecretAction.optional().describe(`What is sent to servers. ${ACTIONS}`),
  results: SecretAction.optional().describe(`What servers answer, list, tell and fail with. ${ACTIONS}`),
});
export type SecretGuardRule = z.infer<typeof SecretGuardRule>;

export const Fingerprint = z
  .string()
  .max(120)
  .regex(/^(?:[a-z0-9-]{1,100}:)?[0-9a-f]{12}$/, "KIND:DIGEST as records show it, or the digest alone");

export const SecretGuardConfig = z.strictObject({
  arguments: SecretAction.default("block").describe(`What is sent to servers. ${ACTIONS}`),
  results: SecretAction.default("redact").describe(`What servers answer, list, tell and fail with. ${ACTIONS}`),
  servers: z.record(ServerName, SecretGuardRule).default({}).describe("Otherwise for these servers"),
  profiles: z
    .record(ProfileName, SecretGuardRule)
    .default({})
    .describe("Otherwise for calls and reads through these profiles; wins over `servers`"),
  allow: z
    .array(Fingerprint)
    .max(10_000)
    .default([])
    .describe("Fingerprints of what looks like a secret and is none, beside those of `pratique secret-guard allow`"),
});
export type SecretGuardConfig = z.infer<typeof SecretGuardConfig>;

export const DriftConfig = z.strictObject({
  firstUse: z
    .enum(["trust", "hold"])
    .default("trust")
    .describe(
      "A tool that nobody approved and no catalog lists: `trust` takes it as it is first seen, `hold` keeps it back until `pratique gateway approve`",
    ),
  change: z
    .enum(["hold", "warn"])
    .default("hold")
    .describe("A tool, or the image of a server, that is not what was approved"),
  findings: z
    .enum(["hold", "warn"])
    .default("hold")
    .describe("A tool whose text holds hidden instructions (findings of severity high)"),
  servers: z
    .record(
      ServerName,
      z.strictObject({
        firstUse: z.enum(["trust", "hold"]).optional().describe("Otherwise for this server"),
        change: z.enum(["hold", "warn"]).optional().describe("Otherwise for this server"),
        findings: z.enum(["hold", "warn"]).optional().describe("Otherwise for this server"),
      }),
    )
    .default({})
    .describe("Otherwise for these servers"),
});
export type DriftConfig = z.infer<typeof DriftConfig>;

const InterceptorBase = {
  name: ProfileName.describe("Name that records and errors tell"),
  when: z
    .array(z.enum(["before", "after"]))
    .min(1)
    .default(["before"])
    .describe("Before a request goes to the server, after its answer, or both"),
  methods: z.array(z.string().max(100)).max(50).default(["tools/call"]).describe("Requests that it is asked about"),
  servers: z.array(ServerName).max(200).optional().describe("Only for these servers"),
  tools: z.array(z.string().max(200)).max(1000).optional().describe("Only for these tools, by the server's own names"),
  onFailure: z
    .enum(["refuse", "pass"])
    .default("refuse")
    .describe("What becomes of a message when it fails, is late, or answers what is no answer"),
  timeoutMs: z.int().min(1).max(60_000).default(2000).describe("How long it may take for one message"),
  limitBytes: z
    .int()
    .min(1024)
    .max(16 * 1024 * 1024)
    .default(1024 * 1024)
    .describe("Largest message that it is shown, and largest answer"),
};

export const InterceptorConfig = z.union([
  z.strictObject({
    ...InterceptorBase,
    url: z.url({ protocol: /^https?$/ }).describe("Where it answers POST requests; plain HTTP on this machine only"),
    ca: z.string().max(4096).optional().describe("PEM file of a certificate authority to trust beside the usual ones"),
    tokenFile: z
      .string()
      .max(4096)
      .optional()
      .describe("File with the token that it is sent as `Authorization: Bearer`, readable by its owner alone"),
  }),
  z.strictObject({
    ...InterceptorBase,
    wasm: z.string().max(4096).describe("File of a WebAssembly module with the exports that the guide names"),
    memoryBytes: z
      .int()
      .min(65_536)
      .max(512 * 1024 * 1024)
      .default(64 * 1024 * 1024)
      .describe("Most memory that it may have"),
  }),
]);
export type InterceptorConfig = z.infer<typeof InterceptorConfig>;

/** Keys of `gateway`. */
export const GATEWAY_SHIELD_KEYS = {
  secretGuard: SecretGuardConfig.prefault({}).describe("Secrets in messages between clients and servers"),
  drift: DriftConfig.prefault({}).describe("Servers and tools that are not what was approved"),
  interceptors: z
    .array(InterceptorConfig)
    .max(50)
    .default([])
    .describe("Others' code that may change or refuse messages, in this order (after an answer in the opposite one)"),
};
