// Requests to a token endpoint: code, refresh, client credentials; answers typed, and errors by their code alone.
import { isPratiqueError } from "@pratique/core";
import type { AuthorizationServer } from "./authorization-server.ts";
import { reasonOf } from "./authorization-server.ts";
import type { ClientIdentity } from "./client-identity.ts";
import type { GuardedFetch } from "./guarded-fetch.ts";
import { authenticateClient } from "./client-authentication.ts";
import { credentialErrors } from "./errors.ts";
import { z } from "zod";

export interface Tokens {
  readonly accessToken: string;
  readonly refreshToken: string | undefined;
  /** Milliseconds since 1970; undefined: it does not say. */
  readonly expiresAt: number | undefined;
  /** What was granted, where it says so. */
  readonly scope: string | undefined;
}

/** The authorization server said no: `invalid_grant`, `invalid_client`, … (RFC 6749 §5.2). */
export class TokenRefusal extends Error {
  readonly code: string;

  constructor(code: string) {
    super(`the authorization server says ${code}`);
    this.name = "TokenRefusal";
    this.code = code;
  }
}

export interface TokenRequest {
  readonly server: string;
  readonly authorizationServer: AuthorizationServer;
  readonly client: ClientIdentity;
  readonly now: number;
  readonly fetch: GuardedFetch;
}

const TokenAnswer = z.looseObject({
  /** Goes into a header: nothing in it may end one. */
  access_token: z
    .string()
    .max(16_384)
    .regex(/^[\x21-\x7e]+$/),
  token_type: z.string().regex(/^bearer$/i),
  // Some say null, or nothing in a string, for none, and numbers in strings.
  refresh_token: z.string().max(16_384).nullish(),
  expires_in: z
    .union([
      z.number(),
      z
        .string()
        .regex(/^\d{1,12}$/)
        .transform(Number),
    ])
    .nullish(),
  scope: z.string().max(16_384).nullish(),
});
/** Says nothing of the token: a login does not end because its authorization server is busy. */
const FOR_NOW: ReadonlySet<string> = new Set(["server_error", "temporarily_unavailable", "slow_down"]);
const LONGEST_S = 10 * 365 * 86_400;

/** @throws `gateway.login-failed`, TokenRefusal */
export async function redeemCode(
  request: TokenRequest,
  grant: { readonly code: string; readonly codeVerifier: string; readonly redirectUrl: string },
): Promise<Tokens> {
  return await requestTokens(
    request,
    new URLSearchParams({
      grant_type: "authorization_code",
      code: grant.code,
      code_verifier: grant.codeVerifier,
      redirect_uri: grant.redirectUrl,
    }),
  );
}

/** A server that gives no new refresh token keeps the old one in force (RFC 6749 §6). */
export async function refreshTokens(request: TokenRequest, refreshToken: string): Promise<Tokens> {
  const grant = new URLSearchParams({ grant_type: "refresh_token", refresh_token: refreshToken });
  const tokens = await requestTokens(request, grant);
  return { ...tokens, refreshToken: tokens.refreshToken ?? refreshToken };
}

/** RFC 6749 §4.4: for servers that know us and no person. */
export async function clientCredentials(request: TokenRequest, scope: string | undefined): Promise<Tokens> {
  const grant = new URLSearchParams({ grant_type: "client_credentials" });
  if (scope !== undefined) grant.set("scope", scope);
  return await requestTokens(request, grant);
}

async function requestTokens(request: TokenRequest, grant: URLSearchParams): Promise<Tokens> {
  const { server, authorizationServer, client, now, fetch } = request;
  const { metadata, resource } = authorizationServer;
  const failed = (reason: string, cause?: unknown): Error =>
    credentialErrors("gateway.login-failed", { server, reason }, { cause });
  // RFC 8707 §2: for whom the token is meant, whether the authorization server heeds it or not.
  grant.set("resource", resource);
  const headers = new Headers({ accept: "application/json", "content-type": "application/x-www-form-urlencoded" });
  const endpoint = new URL(metadata.token_endpoint);
  let answer: Response;
  try {
    await authenticateClient(client, headers, grant, now);
    answer = await fetch(endpoint, { method: "POST", headers, body: grant.toString(), redirect: "manual" });
  } catch (error) {
    if (isPratiqueError(error)) throw error;
    throw failed(reasonOf(error, "its authorization server cannot be reached"), error);
  }
  const body: unknown = await answer.json().catch(() => undefined);
  // Some answer 200 with an error in the body.
  const code = z.looseObject({ error: z.string().regex(/^[\x20-\x7e]{1,100}$/) }).safeParse(body).data?.error;
  const isForNow = answer.status >= 500 || answer.status === 429 || (code !== undefined && FOR_NOW.has(code));
  if (code !== undefined && !isForNow) throw new TokenRefusal(code);
  if (isForNow) throw failed(`its authorization server answers ${answer.status} for now`);
  if (answer.status !== 200 && answer.status !== 201) throw failed(`its authorization server answers ${answer.status}`);
  const parsed = TokenAnswer.safeParse(body);
  if (!parsed.success) throw failed("its authorization server gave no bearer token");
  const { access_token: accessToken, refresh_token: refreshToken, expires_in: lifetime, scope } = parsed.data;
  const given = scope?.trim().replace(/[\s,]+/g, " ");
  const seconds =
    lifetime === undefined || lifetime === null || !Number.isFinite(lifetime)
      ? undefined
      : Math.min(Math.max(lifetime, 0), LONGEST_S);
  return {
    accessToken,
    refreshToken: refreshToken === null || refreshToken === "" ? undefined : refreshToken,
    expiresAt: seconds === undefined ? undefined : now + seconds * 1000,
    scope: given === "" ? undefined : given,
  };
}
