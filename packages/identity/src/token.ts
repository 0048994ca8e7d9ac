// Bearer tokens: made, read out of a request, and known by their hash alone. Pure.
import { createHash } from "node:crypto";

/** The owner's token starts so, a workload's with `prq_w_`; the redactor knows both. */
export const OWNER_PREFIX = "prq_";
export const WORKLOAD_PREFIX = "prq_w_";
export const TOKEN_BYTES = 32;

const MAX_HEADER = 4096;
const OWNER_FORM = /^prq_[A-Za-z0-9_-]{43}$/;

export function formatToken(prefix: string, secret: Uint8Array): string {
  return prefix + Buffer.from(secret).toString("base64url");
}

export function isOwnerToken(text: string): boolean {
  return OWNER_FORM.test(text);
}

/** SHA-256 of a token: what is kept and compared instead of it. */
export function tokenHash(token: string): Buffer {
  return createHash("sha256").update(token).digest();
}

/**
 * The token of an Authorization header: `Bearer TOKEN` (RFC 6750 §2.1), or `Basic` with the token as password
 * (RFC 7617), since registry clients speak only that. Any user name will do.
 */
export function tokenOf(authorization: string | undefined): string | undefined {
  if (authorization === undefined || authorization.length > MAX_HEADER) return undefined;
  const [, scheme, value] = /^(bearer|basic) +([A-Za-z0-9._~+/=-]+) *$/i.exec(authorization) ?? [];
  if (scheme === undefined || value === undefined) return undefined;
  if (scheme.toLowerCase() === "bearer") return value;
  const pair = Buffer.from(value, "base64").toString();
  const colon = pair.indexOf(":");
  return colon < 0 ? undefined : pair.slice(colon + 1);
}
