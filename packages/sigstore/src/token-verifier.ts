// Verifies identity tokens against the configured issuers: signature, issuer, audience, time.
import { decodeJwt, errors, jwtVerify, type JSONWebKeySet } from "jose";
import type { Clock } from "@pratique/core";
import { sigstoreErrors } from "./errors.ts";
import { identityOf, type CertifiedIdentity, type SubjectKind } from "./identity-claims.ts";
import { IssuerKeys, isSafeAddress } from "./issuer-keys.ts";

export interface OidcIssuer {
  readonly issuer: string;
  /** What its tokens must be made for. */
  readonly audience: string;
  readonly subject: SubjectKind;
  /** Its keys, when the network is not to be asked. */
  readonly keySet?: JSONWebKeySet | undefined;
}

/** Asymmetric signatures only: with a shared secret, whoever verifies could also issue. */
const ALGORITHMS = [
  "RS256",
  "RS384",
  "RS512",
  "PS256",
  "PS384",
  "PS512",
  "ES256",
  "ES384",
  "ES512",
  "EdDSA",
  "Ed25519",
];
const TOKEN_LIMIT = 16 * 1024;
const SKEW_SECONDS = 30;

export class TokenVerifier {
  readonly #issuers: ReadonlyMap<string, { readonly config: OidcIssuer; readonly keys: IssuerKeys }>;
  readonly #clock: Clock;

  /** @throws `sigstore.bad-issuer` */
  constructor(issuers: readonly OidcIssuer[], clock: Clock) {
    for (const { issuer } of issuers) {
      if (!isSafeAddress(issuer)) {
        throw sigstoreErrors("sigstore.bad-issuer", { issuer, reason: "its address is not https" });
      }
    }
    this.#clock = clock;
    this.#issuers = new Map(
      issuers.map((config) => {
        const { issuer, keySet } = config;
        return [issuer, { config, keys: new IssuerKeys({ issuer, keySet, clock }) }];
      }),
    );
  }

  get issuers(): readonly OidcIssuer[] {
    return [...this.#issuers.values()].map(({ config }) => config);
  }

  /** @throws `sigstore.token-rejected`, `sigstore.unknown-issuer`, `sigstore.issuer-unreachable` */
  async verify(token: string): Promise<CertifiedIdentity> {
    const known = this.#issuers.get(issuerIn(token));
    if (known === undefined) throw sigstoreErrors("sigstore.unknown-issuer", { issuer: quoted(issuerIn(token)) });
    const { config, keys } = known;
    const { issuer, audience, subject } = config;
    try {
      const { payload } = await jwtVerify(token, keys.find, {
        issuer,
        audience,
        algorithms: ALGORITHMS,
        requiredClaims: ["exp", "iat", "sub"],
        clockTolerance: SKEW_SECONDS,
        currentDate: this.#clock.now(),
      });
      if (payload.iat! > this.#clock.now().getTime() / 1000 + SKEW_SECONDS)
        throw rejected("it is of the future", audience);
      return identityOf(subject, payload, audience);
    } catch (error) {
      if (error instanceof errors.JOSEError) throw rejected(reasonOf(error), audience, error);
      throw error;
    }
  }
}

function issuerIn(token: string): string {
  try {
    if (token.length <= TOKEN_LIMIT) {
      // Nothing has looked at its claims yet: it may be anything.
      const iss: unknown = decodeJwt(token).iss;
      return typeof iss === "string" ? iss : "";
    }
  } catch {
    // Not a token at all; the parser's message may quote it.
  }
  throw rejected("it is no JSON web token", "sigstore");
}

/** Said without the token, of which jose's messages quote nothing. */
function reasonOf(error: errors.JOSEError): string {
  if (error instanceof errors.JWTExpired) return "it has expired";
  if (error instanceof errors.JWTClaimValidationFailed) return `its claim \`${error.claim}\` is not what it must be`;
  if (error instanceof errors.JWSSignatureVerificationFailed) return "its signature does not verify";
  if (error instanceof errors.JWKSNoMatchingKey) return "its issuer has no such key";
  if (error instanceof errors.JOSEAlgNotAllowed) return "its signature is of a kind that is not accepted";
  return "it is malformed";
}

function rejected(reason: string, audience: string, cause?: unknown): Error {
  return sigstoreErrors("sigstore.token-rejected", { reason, audience }, { cause });
}

function quoted(text: string): string {
  return JSON.stringify(text.slice(0, 200));
}
