// Logins to servers behind the gateway, as the control API tells of them.
import { z } from "zod";

export const LoginRequest = z.strictObject({ server: z.string().min(1).max(100) });
export type LoginRequest = z.infer<typeof LoginRequest>;

export const BegunLogin = z.strictObject({
  /** To ask how it goes. */
  id: z.string(),
  server: z.string(),
  /** Page of the authorization server that the person opens. */
  url: z.string(),
  /** Leads there once, for whoever starts a browser: what is in its arguments is seen by others. */
  page: z.string(),
  scope: z.string().optional(),
  expiresAt: z.string(),
});
export type BegunLogin = z.infer<typeof BegunLogin>;

export const LoginProgress = z.strictObject({
  state: z.enum(["waiting", "done", "failed"]),
  reason: z.string().optional(),
});
export type LoginProgress = z.infer<typeof LoginProgress>;

export const LoginFinishRequest = z.strictObject({
  /** Where the browser ended, when it could not reach this daemon. */
  address: z.string().min(1).max(8192),
});
export type LoginFinishRequest = z.infer<typeof LoginFinishRequest>;

export const LoginEntry = z.strictObject({
  server: z.string(),
  scope: z.enum(["shared", "user"]),
  issuer: z.string(),
  /** What was granted. */
  scopes: z.string().optional(),
  isRenewable: z.boolean(),
  expiresAt: z.string().optional(),
  since: z.string(),
});
export type LoginEntry = z.infer<typeof LoginEntry>;

export const LoginList = z.strictObject({ logins: z.array(LoginEntry) });
export type LoginList = z.infer<typeof LoginList>;
