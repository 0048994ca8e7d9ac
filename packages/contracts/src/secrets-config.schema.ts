// Where secrets lie, and under which keys.
import { z } from "zod";

const VAULT_KEYS = {
  address: z.url().describe("Address of HashiCorp Vault or OpenBao; https, or http on this machine"),
  tokenFile: z
    .string()
    .min(1)
    .describe("File with the token, readable by its owner alone; read again for each request"),
  namespace: z
    .string()
    .regex(/^[\w./-]+$/)
    .optional()
    .describe("Namespace of Vault Enterprise or OpenBao"),
  caFile: z.string().min(1).optional().describe("PEM of the authority that signed the server's certificate"),
};

const Mount = z.string().regex(/^[\w-]+(?:\/[\w-]+)*$/);
const KubernetesName = z.string().regex(/^[a-z0-9](?:[-a-z0-9.]{0,251}[a-z0-9])?$/);

const KUBERNETES_KEYS = {
  name: KubernetesName.describe("Name of the Kubernetes Secret"),
  namespace: KubernetesName.optional().describe("Its namespace; by default the Pod's own"),
  address: z.url().optional().describe("Address of the API server; by default that of the cluster around the Pod"),
  tokenFile: z.string().min(1).optional().describe("Token of the service account; by default the one in the Pod"),
  caFile: z.string().min(1).optional().describe("Authority of the API server; by default the one in the Pod"),
};

const SecretKeysConfig = z.discriminatedUnion("type", [
  z.strictObject({ type: z.literal("auto") }),
  z.strictObject({ type: z.literal("keyring") }),
  z.strictObject({
    type: z.literal("file"),
    path: z.string().min(1).default("keys/secrets.json").describe("The key file, mode 0600"),
  }),
  z.strictObject({
    type: z.literal("passphrase"),
    path: z.string().min(1).default("keys/secrets.sealed.json").describe("The key file, sealed with the passphrase"),
    passphraseFile: z
      .string()
      .min(1)
      .describe("File with the passphrase, of 12 bytes at least, such as a credential that systemd mounts"),
  }),
  z.strictObject({
    type: z.literal("vault"),
    ...VAULT_KEYS,
    mount: Mount.default("transit").describe("Where the transit engine is mounted"),
    key: z
      .string()
      .regex(/^[A-Za-z0-9][\w.-]{0,127}$/)
      .default("pratique")
      .describe("Name of the key; it is made when it is not there"),
  }),
  z.strictObject({ type: z.literal("kubernetes"), ...KUBERNETES_KEYS }),
  z.strictObject({
    type: z.literal("kubernetes-mounted"),
    directory: z.string().min(1).describe("Directory that the Kubernetes Secret with `key-ring.json` is mounted at"),
  }),
]);
export type SecretKeysConfig = z.infer<typeof SecretKeysConfig>;

const SecretValuesConfig = z.discriminatedUnion("type", [
  z.strictObject({
    type: z.literal("vault"),
    ...VAULT_KEYS,
    mount: Mount.default("secret").describe("Where the KV engine (version 2) is mounted"),
    prefix: z
      .string()
      .regex(/^(?:[\w.-]+(?:\/[\w.-]+)*)?$/)
      .refine((prefix) => !prefix.split("/").some((part) => part === "." || part === ".."), "no relative parts")
      .default("pratique")
      .describe("Path under which a secret has its name"),
  }),
  z.strictObject({ type: z.literal("kubernetes"), ...KUBERNETES_KEYS }),
  z.strictObject({
    type: z.literal("directory"),
    directory: z.string().min(1).describe("Directory with a file for each secret, as Kubernetes and Docker mount them"),
  }),
]);
export type SecretValuesConfig = z.infer<typeof SecretValuesConfig>;

export const SecretsConfig = z.strictObject({
  keys: SecretKeysConfig.prefault({ type: "auto" }).describe(
    "What the data keys are wrapped with. `auto`: the keyring of the operating system when there is one, else a key file",
  ),
  formerKeys: z
    .array(SecretKeysConfig)
    .max(10)
    .default([])
    .describe("Back ends that secrets still lie under; `pratique secret rotate` moves those"),
  sources: z
    .array(SecretValuesConfig)
    .max(20)
    .default([])
    .describe("Places of others that shared secrets are read from when the store has none of the name, in order"),
});
export type SecretsConfig = z.infer<typeof SecretsConfig>;
