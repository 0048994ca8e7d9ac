// Secrets as the control API tells of them: everything but their values.
import { z } from "zod";

/** shared: of the whole installation. user: of the person who sets it. */
export const SecretScope = z.enum(["shared", "user"]);
export type SecretScope = z.infer<typeof SecretScope>;

export const SecretSetRequest = z.strictObject({
  name: z.string().min(1).max(200),
  /** Goes in, and never comes out again. */
  value: z.string().min(1).max(65_536),
  scope: SecretScope.default("shared"),
  description: z.string().max(500).optional(),
});
export type SecretSetRequest = z.infer<typeof SecretSetRequest>;

export const SecretSummary = z.strictObject({
  name: z.string(),
  scope: SecretScope,
  version: z.int(),
  description: z.string().optional(),
  createdAt: z.string(),
  updatedAt: z.string(),
});
export type SecretSummary = z.infer<typeof SecretSummary>;

export const SecretKeys = z.strictObject({
  /** keyring, file, passphrase, vault, kubernetes; auto before the first secret. */
  type: z.string(),
  place: z.string(),
  /** Values that lie under this back end, logins too, and under former ones. */
  under: z.int(),
  elsewhere: z.int(),
});
export type SecretKeys = z.infer<typeof SecretKeys>;

export const SecretList = z.strictObject({
  keys: SecretKeys,
  sources: z.array(z.strictObject({ type: z.string(), place: z.string() })),
  secrets: z.array(SecretSummary),
});
export type SecretList = z.infer<typeof SecretList>;

export const SecretRemoveRequest = z.strictObject({
  name: z.string().min(1).max(200),
  scope: SecretScope.default("shared"),
});
export type SecretRemoveRequest = z.input<typeof SecretRemoveRequest>;

export const SecretRotation = z.strictObject({ keyId: z.string(), moved: z.int(), left: z.int() });
export type SecretRotation = z.infer<typeof SecretRotation>;
