// The credentials of one server for each scope: headers from secrets, and tokens that are refreshed by one at a time.
import type { Principal } from "@pratique/contracts";
import { describeError, isPratiqueError } from "@pratique/core";
import { allowedOrThrow, RepeatedAct } from "@pratique/guard";
import type { UpstreamAuth } from "../server-definition.ts";
import {
  authorizationServerOf,
  beginLogin,
  configuredClient,
  currentClient,
  fetchFor,
  settingsOf,
} from "./begin-login.ts";
import {
  canonicalResource,
  isLoopbackName,
  isResourceOf,
  isSameIssuer,
  type AuthorizationServer,
} from "./authorization-server.ts";
import { coversScope, parseChallenge, scopeUnion, type Challenge } from "./challenge.ts";
import { clientIdentity, forgetClient } from "./client-identity.ts";
import { credentialErrors } from "./errors.ts";
import type { GuardedFetch } from "./guarded-fetch.ts";
import type { LoginStore, KeptLogin, Login } from "./login.ts";
import { loginOf } from "./login.ts";
import type { PendingLogins } from "./pending-logins.ts";
import type { CredentialParts, RemoteServer } from "./remote-server.ts";
import { clientCredentials, refreshTokens, TokenRefusal } from "./token-endpoint.ts";

/** A token is renewed so long before it ends, so that it does not end on its way. */
const EARLY_MS = 30_000;
/** Another daemon may have renewed or forgotten a login: what is in memory is read again after this. */
const FRESH_MS = 30_000;
const YOUNG_MS = 2_000;
const HEADER_VALUE = /^[\x20-\x7e\x80-\xff]{1,16384}$/;

interface Cached {
  readonly kept: KeptLogin | undefined;
  readonly readAt: number;
}

export interface ServerAuthParts extends CredentialParts {
  readonly logins: LoginStore;
  readonly pending: PendingLogins;
}

export class ServerAuth implements UpstreamAuth {
  readonly #server: RemoteServer;
  readonly #parts: ServerAuthParts;
  readonly #cached = new Map<string, Cached>();
  readonly #acts = new Map<string, RepeatedAct>();
  /** What the server said last, for whoever logs in later. */
  #challenge: Challenge | undefined;

  constructor(server: RemoteServer, parts: ServerAuthParts) {
    this.#server = server;
    this.#parts = parts;
  }

  get server(): RemoteServer {
    return this.#server;
  }

  get challenge(): Challenge | undefined {
    return this.#challenge;
  }

  /** Where tokens of that issuer are revoked, if anywhere. */
  async revocationEndpoint(issuer: string, fetch: GuardedFetch): Promise<string | undefined> {
    const found = await authorizationServerOf(this.#server, this.#challenge ?? {}, fetch);
    const { metadata } = found;
    if (!isSameIssuer(found.issuer, issuer) || !("revocation_endpoint" in metadata)) return undefined;
    return typeof metadata.revocation_endpoint === "string" ? metadata.revocation_endpoint : undefined;
  }

  /** Forgets what is in memory: the login was changed elsewhere. */
  reset(): void {
    this.#cached.clear();
  }

  async headers(scope: string, signal: AbortSignal): Promise<Readonly<Record<string, string>>> {
    const login = await this.#login(scope);
    if (this.#server.headers.length === 0 && login === undefined) return {};
    if (!isSafeForSecrets(this.#server.url)) {
      const reason = "its address is not https";
      throw credentialErrors("gateway.credential-refused", { server: this.#server.name, reason });
    }
    const outcome = await this.#parts.guard.perform(this.#actOf(scope), async () => {
      const headers = await this.#secretHeaders(scope);
      if (login !== undefined)
        headers["authorization"] = `Bearer ${(await this.#current(scope, login, signal)).accessToken}`;
      return headers;
    });
    return allowedOrThrow(outcome);
  }

  async renew(scope: string, answer: Parameters<UpstreamAuth["renew"]>[1], signal: AbortSignal): Promise<boolean> {
    const challenge = parseChallenge(answer.wwwAuthenticate);
    if (answer.status === 403 && challenge.error !== "insufficient_scope") return false;
    if (answer.status !== 401 && answer.status !== 403) return false;
    const { name, oauth, headers } = this.#server;
    if (oauth === false || headers.some((header) => header.name.toLowerCase() === "authorization")) {
      throw credentialErrors("gateway.credential-refused", { server: name, reason: `it answers ${answer.status}` });
    }
    this.#challenge = challenge.resourceMetadata === undefined ? { ...this.#challenge, ...challenge } : challenge;
    return await this.#alone(scope, signal, () =>
      answer.status === 403
        ? this.#stepUp(scope, challenge, signal)
        : this.#renew(scope, challenge, answer.sent, signal),
    );
  }

  /** After a 401: a token that another request got meanwhile, a refreshed one, or a login. */
  async #renew(scope: string, challenge: Challenge, sent: string | undefined, signal: AbortSignal): Promise<boolean> {
    const kept = await this.#read(scope);
    if (kept !== undefined && sent !== `Bearer ${kept.login.accessToken}`) return true;
    // One that is refused right after it was given is not mended by another of the same kind.
    const isYoung = kept !== undefined && this.#now() - kept.login.obtainedAt < YOUNG_MS;
    const fetch = fetchFor(this.#server, this.#parts, signal);
    const found = await authorizationServerOf(this.#server, challenge, fetch);
    // A login at another issuer is worth nothing here, and nothing of it is shown to this one.
    const usable = kept !== undefined && isSameIssuer(kept.login.issuer, found.issuer) ? kept : undefined;
    if (this.#isClientGrant) return await this.#asClient(scope, found, usable, challenge.scope, signal);
    if (usable?.login.refreshToken !== undefined && !isYoung) {
      if ((await this.#refresh(scope, usable, found)) !== undefined) return true;
    }
    throw await this.#needed(scope, challenge, usable?.login.requestedScope, signal);
  }

  /** After a 403 that names scopes: with all that were asked for before, so that none is lost (SEP-2350). */
  async #stepUp(scope: string, challenge: Challenge, signal: AbortSignal): Promise<boolean> {
    const kept = await this.#read(scope);
    const held = scopeUnion(kept?.login.requestedScope, kept?.login.scope);
    // It was asked for and not given, or given and not enough: asking again changes nothing.
    if (challenge.scope === undefined || coversScope(kept?.login.requestedScope, challenge.scope)) return false;
    if (!this.#isClientGrant) throw await this.#needed(scope, challenge, held, signal);
    const found = await authorizationServerOf(
      this.#server,
      this.#challenge ?? challenge,
      fetchFor(this.#server, this.#parts, signal),
    );
    return await this.#asClient(scope, found, kept, scopeUnion(held, challenge.scope), signal);
  }

  /** The login as it may be used now: refreshed when it is about to end and can be. */
  async #current(scope: string, kept: KeptLogin, signal: AbortSignal): Promise<Login> {
    if (!this.#endsSoon(kept.login)) return kept.login;
    try {
      return await this.#alone(scope, signal, () => this.#renewed(scope, kept, signal));
    } catch (error) {
      // It is tried before it must be: as long as the token is good, what fails may fail.
      const isGood = (kept.login.expiresAt ?? 0) > this.#now();
      if (signal.aborted || !isGood || isPratiqueError(error, "gateway.authorization-needed")) throw error;
      this.#parts.log.warn("a login was not renewed yet", { server: this.#server.name, ...describeError(error) });
      return kept.login;
    }
  }

  #endsSoon({ expiresAt, refreshToken }: Login): boolean {
    const canRenew = refreshToken !== undefined || this.#isClientGrant;
    return canRenew && expiresAt !== undefined && expiresAt - EARLY_MS <= this.#now();
  }

  async #renewed(scope: string, kept: KeptLogin, signal: AbortSignal): Promise<Login> {
    const now = await this.#read(scope);
    if (now === undefined) return kept.login;
    if (!this.#endsSoon(now.login)) return now.login;
    const fetch = fetchFor(this.#server, this.#parts, signal);
    const found = await authorizationServerOf(this.#server, this.#challenge ?? {}, fetch);
    if (!isSameIssuer(found.issuer, now.login.issuer)) return now.login;
    if (this.#isClientGrant) {
      await this.#asClient(scope, found, now, now.login.requestedScope, signal);
      return this.#cached.get(scope)?.kept?.login ?? now.login;
    }
    const refreshed = await this.#refresh(scope, now, found);
    if (refreshed !== undefined) return refreshed;
    throw await this.#needed(scope, this.#challenge ?? {}, now.login.requestedScope, signal);
  }

  /** Undefined when the refresh token is good no more. Under the lock: a refresh token that rotates is good once. */
  async #refresh(
    scope: string,
    { login, version }: KeptLogin,
    authorizationServer: AuthorizationServer,
  ): Promise<Login | undefined> {
    const { logins, secrets, log } = this.#parts;
    const client = await currentClient(this.#server, login.client, this.#parts);
    try {
      const tokens = await refreshTokens(
        {
          server: this.#server.name,
          authorizationServer: { ...authorizationServer, resource: login.resource },
          client,
          now: this.#now(),
          // Whoever waits for it may leave: an answer that nobody keeps would be the end of the login.
          fetch: fetchFor(this.#server, this.#parts),
        },
        login.refreshToken ?? "",
      );
      const scopeNow = tokens.scope ?? login.scope;
      const renewed = loginOf(
        { ...tokens, scope: scopeNow },
        {
          server: login.server,
          issuer: login.issuer,
          resource: login.resource,
          client,
          obtainedAt: this.#now(),
          requestedScope: login.requestedScope,
        },
      );
      this.#cache(scope, await logins.keep(scope, renewed, version));
      return renewed;
    } catch (error) {
      if (!(error instanceof TokenRefusal)) throw error;
      log.info("a login was not renewed", { server: this.#server.name, reason: error.code });
      if (error.code === "invalid_client" && client.how === "registered") await forgetClient(secrets, client.issuer);
      await logins.remove(scope, this.#server.name);
      this.#cache(scope, undefined);
      return undefined;
    }
  }

  /** A token for ourselves, without a person (RFC 6749 §4.4). */
  async #asClient(
    scope: string,
    authorizationServer: AuthorizationServer,
    kept: KeptLogin | undefined,
    wanted: string | undefined,
    signal: AbortSignal,
  ): Promise<boolean> {
    const { name } = this.#server;
    const settings = settingsOf(this.#server);
    const fetch = fetchFor(this.#server, this.#parts, signal);
    const now = this.#now();
    const requestedScope = scopeUnion(
      kept?.login.requestedScope,
      settings.scopes?.join(" "),
      wanted ?? authorizationServer.scopes,
    );
    const client = await clientIdentity({
      server: name,
      authorizationServer,
      redirectUrl: this.#parts.redirectUrl(),
      configured: await configuredClient(name, settings, this.#parts),
      documentUrl: this.#parts.documentUrl,
      scope: requestedScope,
      secrets: this.#parts.secrets,
      now,
      fetch,
    });
    try {
      const tokens = await clientCredentials({ server: name, authorizationServer, client, now, fetch }, requestedScope);
      const { issuer, resource } = authorizationServer;
      const login = loginOf(tokens, { server: name, issuer, resource, client, obtainedAt: now, requestedScope });
      this.#cache(scope, await this.#parts.logins.keep(scope, login));
      return true;
    } catch (error) {
      if (!(error instanceof TokenRefusal)) throw error;
      throw credentialErrors("gateway.login-failed", { server: name, reason: error.message }, { cause: error });
    }
  }

  async #needed(scope: string, challenge: Challenge, held: string | undefined, signal: AbortSignal): Promise<Error> {
    const { name } = this.#server;
    const by = this.#principalOf(scope);
    const begun = await beginLogin(
      { server: this.#server, owner: scope, by, challenge: { ...this.#challenge, ...challenge }, held, signal },
      this.#parts,
      this.#parts.pending,
    );
    const details = {
      server: name,
      id: begun.id,
      url: begun.url,
      ...(begun.scope === undefined ? {} : { scope: begun.scope }),
    };
    return credentialErrors("gateway.authorization-needed", { server: name }, { details });
  }

  async #secretHeaders(scope: string): Promise<Record<string, string>> {
    const headers: Record<string, string> = {};
    for (const header of this.#server.headers) {
      const whose = header.scope === "user" ? this.#principalOf(scope) : undefined;
      const secret = await this.#parts.secrets.get(header.secret, whose);
      if (secret === undefined) {
        if (!header.isRequired) continue;
        throw credentialErrors("gateway.credential-missing", { server: this.#server.name, secret: header.secret });
      }
      const value = header.value.replace("{}", () => secret.reveal());
      secret.dispose();
      if (!HEADER_VALUE.test(value)) {
        const reason = `the secret ${header.secret} does not fit into a header`;
        throw credentialErrors("gateway.credential-refused", { server: this.#server.name, reason });
      }
      headers[header.name.toLowerCase()] = value;
    }
    return headers;
  }

  async #login(scope: string): Promise<KeptLogin | undefined> {
    if (this.#server.oauth === false) return undefined;
    const cached = this.#cached.get(scope);
    if (cached !== undefined && this.#now() - cached.readAt < FRESH_MS) return cached.kept;
    return await this.#read(scope);
  }

  async #read(scope: string): Promise<KeptLogin | undefined> {
    const kept = await this.#parts.logins.read(scope, this.#server.name);
    // The name of a server may come to stand for another address: tokens stay where they were meant for.
    const isOurs = kept !== undefined && isResourceOf(kept.login.resource, this.#server.url);
    return this.#cache(scope, isOurs ? kept : undefined);
  }

  #cache(scope: string, kept: KeptLogin | undefined): KeptLogin | undefined {
    this.#cached.set(scope, { kept, readAt: this.#now() });
    return kept;
  }

  #actOf(scope: string): RepeatedAct {
    const principal = this.#principalOf(scope);
    const known = this.#acts.get(scope);
    if (known?.principal?.id === principal.id) return known;
    const { resource, url, headers, oauth } = this.#server;
    const secrets = headers.map(({ secret }) => secret).toSorted();
    const context = { secrets, login: oauth !== false, own: scope !== "" };
    const details = { resource: canonicalResource(url), ...(secrets.length === 0 ? {} : { secrets }) };
    const act = new RepeatedAct({ principal, action: "credential:use", resource, context, details }, { mayJoin: true });
    this.#acts.set(scope, act);
    return act;
  }

  #principalOf(scope: string): Principal {
    const principal = this.#parts.principalOf(scope);
    if (principal === undefined) throw credentialErrors("gateway.login-unknown", { server: this.#server.name });
    return principal;
  }

  get #isClientGrant(): boolean {
    return this.#server.oauth !== false && this.#server.oauth?.grant === "client_credentials";
  }

  async #alone<T>(scope: string, signal: AbortSignal, task: () => Promise<T>): Promise<T> {
    return await this.#parts.leases.run(`login ${JSON.stringify([scope, this.#server.name])}`, signal, task);
  }

  #now(): number {
    return this.#parts.clock.now().getTime();
  }
}

/** A secret goes out encrypted, or not off this machine. */
function isSafeForSecrets(address: string): boolean {
  const { protocol, hostname } = new URL(address);
  return protocol === "https:" || isLoopbackName(hostname);
}
