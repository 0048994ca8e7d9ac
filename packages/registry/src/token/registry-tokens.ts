// Short-lived tokens for registry clients, and the long-lived ones that renew them: JWTs by our own key (RFC 7519).
import type { Principal } from "@pratique/contracts";
import type { Clock } from "@pratique/core";
import { errors as joseErrors, jwtVerify, SignJWT } from "jose";
import { createPublicKey, randomUUID, type KeyObject } from "node:crypto";
import { z } from "zod";
import type { Access } from "./scope.ts";

export interface RegistryTokensOptions {
  readonly key: KeyObject;
  /** How this registry calls itself in its challenges. */
  readonly service: string;
  readonly clock: Clock;
  /** The principal whose credential has this name; undefined once that is unknown, expired or revoked. */
  readonly recall: (credential: string) => Principal | undefined;
}

/** Who asks, and with what: a credential is named by identity, and never seen here. */
export interface Bearer {
  readonly principal: Principal;
  readonly credential: string;
}

export interface Grant {
  readonly principal: Principal;
  readonly access: readonly Access[];
}

const ACCESS_SECONDS = 300;
const REFRESH_SECONDS = 30 * 24 * 60 * 60;
const KNOWN_LIMIT = 1000;
const TOKEN_LIMIT = 16 * 1024;

const AccessClaim = z.array(z.strictObject({ type: z.string(), name: z.string(), actions: z.array(z.string()) }));
const Claims = z.looseObject({
  sub: z.string(),
  exp: z.number(),
  /** Which credential it was given out for: it lives no longer than that. */
  cred: z.string(),
  use: z.enum(["access", "refresh"]),
  access: AccessClaim.default([]),
});
type Claims = z.infer<typeof Claims>;

export class RegistryTokens {
  readonly service: string;
  readonly #options: RegistryTokensOptions;
  readonly #publicKey: KeyObject;
  /** What verified already, by the token. */
  readonly #known = new Map<string, Claims>();

  constructor(options: RegistryTokensOptions) {
    this.#options = options;
    this.service = options.service;
    this.#publicKey = createPublicKey(options.key);
  }

  /** A token for these scopes, for five minutes. */
  async issue(bearer: Bearer, access: readonly Access[]): Promise<{ token: string; seconds: number }> {
    return { token: await this.#sign(bearer, { use: "access", access }, ACCESS_SECONDS), seconds: ACCESS_SECONDS };
  }

  /** A token that asks for others, for thirty days. */
  issueRefresh(bearer: Bearer): Promise<string> {
    return this.#sign(bearer, { use: "refresh" }, REFRESH_SECONDS);
  }

  #sign({ principal, credential }: Bearer, claims: object, seconds: number): Promise<string> {
    const now = this.#seconds();
    return new SignJWT({ ...claims, cred: credential })
      .setProtectedHeader({ alg: "EdDSA", typ: "JWT" })
      .setIssuer(this.service)
      .setAudience(this.service)
      .setSubject(principal.id)
      .setJti(randomUUID())
      .setIssuedAt(now)
      .setNotBefore(now)
      .setExpirationTime(now + seconds)
      .sign(this.#options.key);
  }

  #seconds(): number {
    return Math.floor(this.#options.clock.now().getTime() / 1000);
  }

  /** Whose token an `Authorization` header carries, and what it is good for; undefined when it carries none of ours. */
  async authenticate(authorization: string | undefined): Promise<Grant | undefined> {
    const token = /^bearer +([A-Za-z0-9_.-]+) *$/i.exec(authorization ?? "")?.[1];
    const claims = token === undefined ? undefined : await this.#read(token, "access");
    const principal = claims === undefined ? undefined : this.#recall(claims);
    return claims === undefined || principal === undefined ? undefined : { principal, access: claims.access };
  }

  /** Whom a token that asks for others belongs to. */
  async renew(token: string): Promise<Bearer | undefined> {
    const claims = await this.#read(token, "refresh");
    const principal = claims === undefined ? undefined : this.#recall(claims);
    return claims === undefined || principal === undefined ? undefined : { principal, credential: claims.cred };
  }

  /** The principal as identity knows it now: a token does not outlive what it was given out for. */
  #recall({ cred, sub }: Claims): Principal | undefined {
    const principal = this.#options.recall(cred);
    return principal?.id === sub ? principal : undefined;
  }

  async #read(token: string, use: Claims["use"]): Promise<Claims | undefined> {
    const claims = this.#known.get(token) ?? (await this.#verify(token));
    if (claims === undefined || claims.use !== use) return undefined;
    return claims.exp > this.#seconds() ? claims : undefined;
  }

  async #verify(token: string): Promise<Claims | undefined> {
    if (token.length > TOKEN_LIMIT) return undefined;
    try {
      const { payload } = await jwtVerify(token, this.#publicKey, {
        algorithms: ["EdDSA"],
        issuer: this.service,
        audience: this.service,
        currentDate: this.#options.clock.now(),
      });
      const claims = Claims.safeParse(payload);
      if (!claims.success) return undefined;
      this.#known.set(token, claims.data);
      for (const oldest of this.#known.keys()) {
        if (this.#known.size <= KNOWN_LIMIT) break;
        this.#known.delete(oldest);
      }
      return claims.data;
    } catch (error) {
      if (error instanceof joseErrors.JOSEError) return undefined;
      throw error;
    }
  }
}
