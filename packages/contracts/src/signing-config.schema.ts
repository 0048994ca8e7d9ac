// Keys that sign: where they are, and how their holders are reached.
import { z } from "zod";
import { KeylessConfig } from "./sigstore-config.schema.ts";

const KeyName = z.string().regex(/^[a-z0-9][a-z0-9._-]{0,62}$/);

const SigningKeyConfig = z.strictObject({
  uri: z
    .string()
    .min(1)
    .max(2048)
    .describe("`file:/path/to/key.pem`, `pkcs11:token=T;object=O`, or `hashivault://NAME`"),
  passphraseFile: z
    .string()
    .min(1)
    .optional()
    .describe("File with the passphrase of an encrypted key file, readable by its owner alone"),
});

const Pkcs11Config = z.strictObject({
  module: z.string().min(1).describe("Path of the token's PKCS #11 module, such as `/usr/lib/softhsm/libsofthsm2.so`"),
  pinFile: z.string().min(1).optional().describe("File with the PIN, readable by its owner alone"),
  environment: z
    .record(z.string().regex(/^[A-Z][A-Z0-9_]{0,63}$/), z.string())
    .default({})
    .describe("Variables that the module reads, such as `SOFTHSM2_CONF`"),
});

const VaultConfig = z.strictObject({
  address: z.url().describe("Address of HashiCorp Vault or OpenBao; https, or http on this machine"),
  tokenFile: z
    .string()
    .min(1)
    .describe("File with the token, readable by its owner alone; read again for each request"),
  mount: z
    .string()
    .regex(/^[\w-]+(?:\/[\w-]+)*$/)
    .default("transit")
    .describe("Where the transit engine is mounted"),
  namespace: z
    .string()
    .regex(/^[\w./-]+$/)
    .optional()
    .describe("Namespace of Vault Enterprise or OpenBao"),
  caFile: z.string().min(1).optional().describe("PEM of the authority that signed the server's certificate"),
});

export const SigningConfig = z.strictObject({
  key: KeyName.default("owner").describe("Key that `pratique sign` takes without `--key`"),
  format: z
    .enum(["bundle", "legacy", "both"])
    .default("bundle")
    .describe("Form of signatures: sigstore bundles, cosign 2's `.sig` tags, or both"),
  keys: z
    .record(
      KeyName.refine((name) => name !== "owner", "`owner` is this daemon's own key"),
      SigningKeyConfig,
    )
    .default({})
    .describe("Keys held elsewhere, by the name that `--key` takes"),
  pkcs11: Pkcs11Config.optional().describe("Token whose keys sign; needs `pkcs11-tool` (Debian: `opensc`)"),
  vault: VaultConfig.optional().describe("Key service whose keys sign"),
  keyless: KeylessConfig.prefault({}).describe("Which Sigstore signs for an identity, without a key"),
});
export type SigningConfig = z.infer<typeof SigningConfig>;
