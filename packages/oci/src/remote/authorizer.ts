// Answers a registry's challenge: Basic, or a Bearer token for a scope (distribution: docs/spec/auth/token.md, oauth.md).
import { isJsonObject, SingleFlight, type Clock, type JsonObject } from "@pratique/core";
import { ociErrors } from "../errors.ts";
import { parseChallenges, type Challenge } from "./challenge.ts";
import { basicAuthorization, secretsOf, type CredentialSource, type Credentials } from "./credentials.ts";
import { TokenMemory, type RememberedTokens, type Token } from "./token-memory.ts";

export interface TokenRequest {
  readonly method: "GET" | "POST";
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
}

export interface AuthorizerOptions {
  readonly registry: string;
  readonly credentials: CredentialSource | undefined;
  readonly clock: Clock;
  /** Whether credentials may go to this address without encryption. */
  readonly mayBePlain: (url: URL) => boolean;
  /** Asks the token endpoint; undefined when it says no. */
  readonly askToken: (request: TokenRequest) => Promise<unknown>;
  /** What outlives this session: by default nothing. */
  readonly memory?: TokenMemory | undefined;
}

const TOKEN_FORM = /^[\x21-\x7e]{1,16384}$/;
/** What the token specification says when the endpoint names no time. */
const DEFAULT_SECONDS = 60;
const EARLY_MS = 5_000;
const TOKENS_LIMIT = 256;

export class Authorizer {
  readonly #options: AuthorizerOptions;
  readonly #secrets = new Set<string>();
  readonly #memory: TokenMemory;
  /** Requests that are sent side by side share one answer of the token endpoint. */
  readonly #asking = new SingleFlight<string | undefined>();
  #credentials: Promise<Credentials | undefined> | undefined;

  constructor(options: AuthorizerOptions) {
    this.#options = options;
    this.#memory = options.memory ?? new TokenMemory();
  }

  /** Takes everything secret out of a text. */
  clean(text: string): string {
    let result = text;
    for (const secret of this.#secrets) if (secret.length > 3) result = result.replaceAll(secret, "«credential»");
    return result;
  }

  #ownCredentials(): Promise<Credentials | undefined> {
    this.#credentials ??= this.#load();
    return this.#credentials;
  }

  async #load(): Promise<Credentials | undefined> {
    const source = this.#options.credentials;
    const credentials = typeof source === "function" ? await source(this.#options.registry) : source;
    if (credentials !== undefined) for (const secret of secretsOf(credentials)) this.#secrets.add(secret);
    return credentials;
  }

  /** The header to send, as far as the registry's wishes are known from before. */
  async authorization(scopes: readonly string[]): Promise<string | undefined> {
    const credentials = await this.#ownCredentials();
    if (credentials !== undefined && "token" in credentials) return `Bearer ${credentials.token}`;
    const { challenge, ...known } = this.#known(credentials);
    if (challenge?.scheme === "basic") return this.#basic(credentials);
    if (challenge?.scheme !== "bearer") return undefined;
    return this.#fresh(known, scopes) ?? this.#bearer(challenge, scopes, credentials);
  }

  #known(credentials: Credentials | undefined): RememberedTokens {
    return this.#memory.of(this.#options.registry, credentials);
  }

  /** The header with a token that has time left. */
  #fresh({ tokens }: Pick<RememberedTokens, "tokens">, scopes: readonly string[]): string | undefined {
    const known = tokens.get(keyOf(scopes));
    if (known === undefined || known.expiresAt <= this.#options.clock.now().getTime()) return undefined;
    this.#secrets.add(known.value);
    return `Bearer ${known.value}`;
  }

  /** Takes up a 401: the header for another try, or undefined when there is nothing (better) to offer. */
  async answer(
    header: string | undefined,
    scopes: readonly string[],
    sent: string | undefined,
  ): Promise<string | undefined> {
    const challenges = header === undefined ? [] : parseChallenges(header);
    const credentials = await this.#ownCredentials();
    if (credentials !== undefined && "token" in credentials) return undefined;
    const bearer = challenges.find(({ scheme }) => scheme === "bearer");
    if (bearer !== undefined) {
      const known = this.#known(credentials);
      known.challenge = bearer;
      // One that another request was given meanwhile is worth a try; the one that was refused is not.
      const other = this.#fresh(known, scopes);
      if (other !== undefined && other !== sent) return other;
      known.tokens.delete(keyOf(scopes));
      const next = await this.#bearer(bearer, scopes, credentials);
      return next === sent ? undefined : next;
    }
    const basic = challenges.find(({ scheme }) => scheme === "basic");
    if (basic === undefined) return undefined;
    this.#known(credentials).challenge = basic;
    const next = this.#basic(credentials);
    return next === sent ? undefined : next;
  }

  #basic(credentials: Credentials | undefined): string | undefined {
    if (credentials === undefined || !("password" in credentials)) return undefined;
    return basicAuthorization(credentials.username, credentials.password);
  }

  #bearer(
    challenge: Challenge,
    scopes: readonly string[],
    credentials: Credentials | undefined,
  ): Promise<string | undefined> {
    const asked = challenge.parameters.get("scope") ?? "";
    return this.#asking.run(`${keyOf(scopes)} ${asked}`, () => this.#ask(challenge, scopes, credentials));
  }

  async #ask(
    challenge: Challenge,
    scopes: readonly string[],
    credentials: Credentials | undefined,
  ): Promise<string | undefined> {
    const realm = this.#realm(challenge);
    const service = challenge.parameters.get("service");
    const asked = challenge.parameters.get("scope")?.split(" ") ?? [];
    const all = [...new Set([...scopes, ...asked])].filter((scope) => scope !== "").sort();
    const json = await this.#options.askToken(tokenRequest(realm, service, all, credentials));
    const token = isJsonObject(json) ? readToken(json, this.#options.clock) : undefined;
    if (token === undefined) return undefined;
    this.#secrets.add(token.value);
    const { tokens } = this.#known(credentials);
    if (tokens.size >= TOKENS_LIMIT) tokens.clear();
    tokens.set(keyOf(scopes), token);
    return `Bearer ${token.value}`;
  }

  #realm(challenge: Challenge): URL {
    const realm = challenge.parameters.get("realm") ?? "";
    const url = URL.canParse(realm) ? new URL(realm) : undefined;
    const isFit =
      url !== undefined && (url.protocol === "https:" || (url.protocol === "http:" && this.#options.mayBePlain(url)));
    if (!isFit) {
      throw ociErrors("registry.bad-answer", {
        registry: this.#options.registry,
        reason: "its token endpoint is no https address",
      });
    }
    return url;
  }
}

function keyOf(scopes: readonly string[]): string {
  return [...scopes].sort().join(" ");
}

function tokenRequest(
  realm: URL,
  service: string | undefined,
  scopes: readonly string[],
  credentials: Credentials | undefined,
): TokenRequest {
  if (credentials !== undefined && "identityToken" in credentials) {
    const form = new URLSearchParams({ grant_type: "refresh_token", refresh_token: credentials.identityToken });
    form.set("client_id", "pratique");
    if (service !== undefined) form.set("service", service);
    form.set("scope", scopes.join(" "));
    const headers = { "content-type": "application/x-www-form-urlencoded", accept: "application/json" };
    return { method: "POST", url: realm, headers, body: Buffer.from(form.toString()) };
  }
  const url = new URL(realm);
  if (service !== undefined) url.searchParams.set("service", service);
  for (const scope of scopes) url.searchParams.append("scope", scope);
  const headers: Record<string, string> = { accept: "application/json" };
  if (credentials !== undefined && "password" in credentials) {
    url.searchParams.set("account", credentials.username);
    headers["authorization"] = basicAuthorization(credentials.username, credentials.password);
  }
  return { method: "GET", url, headers };
}

function readToken(json: JsonObject, clock: Clock): Token | undefined {
  const value = json["token"] ?? json["access_token"];
  if (typeof value !== "string" || !TOKEN_FORM.test(value)) return undefined;
  const seconds =
    typeof json["expires_in"] === "number" ? Math.max(json["expires_in"], DEFAULT_SECONDS) : DEFAULT_SECONDS;
  return { value, expiresAt: clock.now().getTime() + seconds * 1000 - EARLY_MS };
}
