// Credentials of all servers behind the gateway: logins begun, finished, listed and forgotten.
import type { Principal } from "@pratique/contracts";
import { allowedOrThrow } from "@pratique/guard";
import { ownerOf } from "@pratique/secrets";
import type { UpstreamAuth } from "../server-definition.ts";
import { beginLogin, currentClient, fetchFor } from "./begin-login.ts";
import { CLIENT_METADATA, forgetClient } from "./client-identity.ts";
import { authenticateClient } from "./client-authentication.ts";
import { credentialErrors } from "./errors.ts";
import { LoginStore, loginOf, type LoginSummary } from "./login.ts";
import { PendingLogins, type LoginProgress, type PendingLogin } from "./pending-logins.ts";
import type { CredentialParts, RemoteServer } from "./remote-server.ts";
import { ServerAuth } from "./server-auth.ts";
import { redeemCode, TokenRefusal } from "./token-endpoint.ts";

/** What a person needs to log in. */
export interface BegunLogin {
  readonly id: string;
  readonly server: string;
  readonly url: string;
  readonly scope: string | undefined;
  readonly expiresAt: string;
}

export class Credentials {
  readonly #parts: CredentialParts;
  readonly #logins: LoginStore;
  readonly #pending: PendingLogins;
  readonly #servers = new Map<string, ServerAuth>();

  constructor(parts: CredentialParts) {
    this.#parts = parts;
    this.#logins = new LoginStore(parts.secrets);
    this.#pending = new PendingLogins(parts.clock);
  }

  /** What a server's definition gets as `auth`. A server of that name that was there is replaced. */
  authOf(server: RemoteServer): UpstreamAuth {
    const auth = new ServerAuth(server, { ...this.#parts, logins: this.#logins, pending: this.#pending });
    this.#servers.set(server.name, auth);
    this.#pending.forget(server.name);
    return auth;
  }

  /** A server was taken out. Its logins stay, for when it comes back. */
  release(name: string): void {
    this.#servers.delete(name);
    this.#pending.forget(name);
  }

  /** @throws `gateway.login-not-offered`, `gateway.login-failed`, `gateway.address-refused`, `policy.denied` */
  async authorize(by: Principal, name: string, signal: AbortSignal): Promise<BegunLogin> {
    const auth = this.#serverOf(name);
    const { server } = auth;
    const owner = server.scope === "user" ? ownerOf(by) : "";
    const details = { operation: "gateway.authorize", owner: owner === "" ? "shared" : "user" };
    const begun = await this.#act(by, server, details, async () => {
      const held = (await this.#logins.read(owner, name))?.login.requestedScope;
      return await beginLogin(
        { server, owner, by, challenge: auth.challenge, held, signal },
        this.#parts,
        this.#pending,
      );
    });
    const { id, url, scope, expiresAt } = begun;
    return { id, server: name, url, scope, expiresAt: new Date(expiresAt).toISOString() };
  }

  /** Undefined when no such login was begun, or long ago. */
  progress(id: string): LoginProgress | undefined {
    return this.#pending.progress(id);
  }

  /** Where a browser goes that was started with the id alone; it gets there once. */
  pageOf(id: string): string | undefined {
    return this.#pending.pageOf(id);
  }

  /**
   * The browser is back. Who it is that comes is told by the state alone.
   * @returns the server that was logged in to
   * @throws `gateway.login-expired`, `gateway.login-failed`, `policy.denied`
   */
  async finish(parameters: URLSearchParams, signal: AbortSignal): Promise<string> {
    const state = parameters.get("state") ?? "";
    const pending = this.#pending.take(state);
    const auth = pending === undefined ? undefined : this.#servers.get(pending.server);
    if (pending === undefined || auth === undefined) throw credentialErrors("gateway.login-expired");
    try {
      const { issuer } = pending.authorizationServer;
      const details = { operation: "gateway.login", issuer, client: pending.client.how };
      await this.#act(pending.by, auth.server, details, () => this.#redeem(pending, auth, parameters, signal));
    } catch (error) {
      this.#pending.end(pending, { state: "failed", reason: error instanceof Error ? error.message : "it failed" });
      throw error;
    }
    this.#pending.end(pending, { state: "done" });
    this.#parts.onChange?.(pending.server, pending.owner);
    return pending.server;
  }

  /** Everybody's, and the principal's own. */
  async logins(by: Principal): Promise<LoginSummary[]> {
    return await this.#logins.list(ownerOf(by));
  }

  /** Forgets a login, and tells the authorization server where it can be told (RFC 7009). @throws `gateway.login-unknown` */
  async forget(by: Principal, name: string, signal: AbortSignal): Promise<void> {
    const auth = this.#servers.get(name);
    const own = ownerOf(by);
    const owners = (await this.#logins.list(own)).filter(({ server }) => server === name).map(({ owner }) => owner);
    const owner = owners.includes(own) ? own : owners[0];
    if (owner === undefined) throw credentialErrors("gateway.login-unknown", { server: name.slice(0, 100) });
    const resource = auth?.server.resource ?? { type: "Server" as const, id: name };
    const act = { principal: by, action: "admin:write", resource, details: { operation: "gateway.forget" } } as const;
    await this.#parts.guard
      .perform(act, async () => {
        if (auth !== undefined) await this.#revoke(auth, owner, signal);
        await this.#logins.remove(owner, name);
        auth?.reset();
      })
      .then(allowedOrThrow);
    this.#parts.onChange?.(name, owner);
  }

  /** Our client metadata document (draft-ietf-oauth-client-id-metadata-document), as it is to be found at `documentUrl`. */
  document(): Readonly<Record<string, unknown>> {
    return {
      client_id: this.#parts.documentUrl ?? "",
      ...CLIENT_METADATA,
      redirect_uris: [this.#parts.redirectUrl()],
      token_endpoint_auth_method: "none",
      application_type: this.#parts.redirectUrl().startsWith("http:") ? "native" : "web",
    };
  }

  async #redeem(
    pending: PendingLogin,
    auth: ServerAuth,
    parameters: URLSearchParams,
    signal: AbortSignal,
  ): Promise<void> {
    const { server, owner, authorizationServer, client, scope } = pending;
    const failed = (reason: string): Error => credentialErrors("gateway.login-failed", { server, reason });
    this.#checkIssuer(pending, parameters);
    const error = parameters.get("error");
    if (error !== null)
      throw failed(/^[\w.-]{1,60}$/.test(error) ? `the answer is ${error}` : "the answer is an error");
    const code = parameters.get("code");
    if (code === null || code === "" || code.length > 4096) throw failed("the answer holds no code");
    const now = this.#parts.clock.now().getTime();
    const fetch = fetchFor(auth.server, this.#parts, signal);
    const request = {
      server,
      authorizationServer,
      client: await currentClient(auth.server, client, this.#parts),
      now,
      fetch,
    };
    try {
      const { codeVerifier, redirectUrl } = pending;
      const tokens = await redeemCode(request, { code, codeVerifier, redirectUrl });
      const { issuer, resource } = authorizationServer;
      await this.#logins.keep(
        owner,
        loginOf(tokens, { server, issuer, resource, client, obtainedAt: now, requestedScope: scope }),
      );
      auth.reset();
    } catch (reason) {
      if (!(reason instanceof TokenRefusal)) throw reason;
      if (reason.code === "invalid_client" && client.how === "registered") {
        await forgetClient(this.#parts.secrets, client.issuer);
      }
      throw failed(reason.message);
    }
  }

  /** RFC 9207 §2.4: compared as strings, before anything else of the answer is believed. */
  #checkIssuer({ server, authorizationServer: { issuer, metadata } }: PendingLogin, parameters: URLSearchParams): void {
    const said = parameters.get("iss");
    const mustBe = metadata["authorization_response_iss_parameter_supported"] === true;
    if (said === null ? !mustBe : said === issuer) return;
    throw credentialErrors("gateway.login-failed", {
      server,
      reason: "the answer is not of the issuer that was asked",
    });
  }

  async #revoke(auth: ServerAuth, owner: string, signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#parts;
    try {
      const kept = await this.#logins.read(owner, auth.server.name);
      if (kept === undefined) return;
      const fetch = fetchFor(auth.server, this.#parts, signal);
      const endpoint = await auth.revocationEndpoint(kept.login.issuer, fetch);
      if (endpoint === undefined) return;
      const { refreshToken, accessToken } = kept.login;
      const form = new URLSearchParams({
        token: refreshToken ?? accessToken,
        token_type_hint: refreshToken === undefined ? "access_token" : "refresh_token",
      });
      const headers = new Headers({ "content-type": "application/x-www-form-urlencoded" });
      const client = await currentClient(auth.server, kept.login.client, this.#parts);
      await authenticateClient(client, headers, form, clock.now().getTime());
      await fetch(endpoint, { method: "POST", headers, body: form.toString() });
    } catch {
      // It is forgotten here all the same; there it ends when its time is over.
      log.info("a login could not be revoked where it was made", { server: auth.server.name });
    }
  }

  async #act<T>(
    by: Principal,
    server: RemoteServer,
    details: Record<string, string>,
    run: () => Promise<T>,
  ): Promise<T> {
    const act = { principal: by, action: "admin:write", resource: server.resource, details } as const;
    return allowedOrThrow(await this.#parts.guard.perform(act, run));
  }

  #serverOf(name: string): ServerAuth {
    const auth = this.#servers.get(name);
    if (auth !== undefined) return auth;
    const reason = "no remote server of that name is behind the gateway";
    throw credentialErrors("gateway.login-not-offered", { server: name.slice(0, 100), reason });
  }
}
