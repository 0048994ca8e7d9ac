// The claims that a signer reads out of a token. The authority verifies it; here it only says what to prove.
import { isJsonObject } from "@pratique/core";
import { keylessErrors } from "./errors.ts";

const TOKEN_LIMIT = 16 * 1024;

export interface IdentityToken {
  readonly token: string;
  readonly issuer: string;
  /** What the key signs to prove that it is held: the verified e-mail address, else the subject. */
  readonly challenge: string;
}

/** @throws `keyless.bad-token`, never quoting it */
export function readIdentityToken(text: string): IdentityToken {
  const token = text.trim();
  const bad = (reason: string): Error => keylessErrors("keyless.bad-token", { reason });
  const [, payload] = /^[\w-]+\.([\w-]+)\.[\w-]+$/.exec(token) ?? [];
  if (token.length > TOKEN_LIMIT || payload === undefined) throw bad("it is no JSON web token");
  const claims = parse(payload);
  if (!isJsonObject(claims)) throw bad("its claims cannot be read");
  const { iss, sub, email, email_verified: isVerified } = claims;
  if (typeof iss !== "string" || typeof sub !== "string" || iss === "" || sub === "") {
    throw bad("it names no issuer or no subject");
  }
  const hasEmail = typeof email === "string" && email !== "" && (isVerified === true || isVerified === "true");
  return { token, issuer: iss, challenge: hasEmail ? email : sub };
}

function parse(payload: string): unknown {
  try {
    return JSON.parse(Buffer.from(payload, "base64url").toString("utf8"));
  } catch {
    return undefined;
  }
}
