// Begins a login: finds the authorization server, who we are to it, and where the person goes.
import type { Principal } from "@pratique/contracts";
import { isPratiqueError } from "@pratique/core";
import {
  discoverAuthorizationServer,
  isLoopbackName,
  reasonOf,
  type AuthorizationServer,
} from "./authorization-server.ts";
import { parseChallenge, scopeUnion, type Challenge } from "./challenge.ts";
import { clientIdentity, type ClientIdentity, type ConfiguredClient } from "./client-identity.ts";
import { credentialErrors } from "./errors.ts";
import { guardedFetch, probeAddress, type GuardedFetch } from "./guarded-fetch.ts";
import { oauthSdk } from "./oauth-sdk.ts";
import type { PendingLogin, PendingLogins } from "./pending-logins.ts";
import type { CredentialParts, OAuthSettings, RemoteServer } from "./remote-server.ts";

export interface BeginRequest {
  readonly server: RemoteServer;
  /** Whose login it will be; empty: everybody's. */
  readonly owner: string;
  readonly by: Principal;
  /** What the server said when it refused us; undefined: it is asked. */
  readonly challenge: Challenge | undefined;
  /** Scopes that are held already and must not be lost (step-up). */
  readonly held: string | undefined;
  readonly signal: AbortSignal;
}

/** @throws `gateway.login-not-offered`, `gateway.login-failed`, `gateway.address-refused` */
export async function beginLogin(
  request: BeginRequest,
  parts: CredentialParts,
  pending: PendingLogins,
): Promise<PendingLogin> {
  const { server, owner, by, signal } = request;
  const settings = settingsOf(server);
  const fetch = fetchFor(server, parts, signal);
  const challenge = request.challenge ?? (await askForChallenge(server, parts, signal));
  const authorizationServer = await authorizationServerOf(server, challenge, fetch);
  // MCP authorization, "Authorization Code Protection": where PKCE is not offered, a client refuses to go on.
  if (authorizationServer.metadata.code_challenge_methods_supported?.includes("S256") !== true) {
    const reason = "its authorization server does not offer PKCE with S256";
    throw credentialErrors("gateway.login-failed", { server: server.name, reason });
  }
  const scope = scopeUnion(
    request.held,
    settings.scopes?.join(" "),
    // The challenge says what is needed now; the metadata what there is (MCP authorization, "Scope Selection Strategy").
    challenge.scope ?? (request.held === undefined ? authorizationServer.scopes : undefined),
    offlineScope(authorizationServer),
  );
  const begun = pending.find(server.name, owner, scope);
  if (begun !== undefined) return begun;
  const redirectUrl = parts.redirectUrl();
  const client = await clientIdentity({
    server: server.name,
    authorizationServer,
    redirectUrl,
    configured: await configuredClient(server.name, settings, parts),
    documentUrl: parts.documentUrl,
    scope,
    secrets: parts.secrets,
    now: parts.clock.now().getTime(),
    fetch,
  });
  const state = pending.newState();
  const { startAuthorization } = await oauthSdk();
  try {
    const { authorizationUrl, codeVerifier } = await startAuthorization(authorizationServer.issuer, {
      metadata: authorizationServer.metadata,
      clientInformation: { client_id: client.clientId },
      redirectUrl,
      state,
      resource: authorizationServer.resource,
      ...(scope === undefined ? {} : { scope }),
    });
    refuseStrangeUrl(server.name, authorizationUrl);
    return pending.add(state, {
      server: server.name,
      owner,
      by,
      authorizationServer,
      client,
      codeVerifier,
      redirectUrl,
      scope,
      url: authorizationUrl.href,
    });
  } catch (error) {
    if (isPratiqueError(error)) throw error;
    const reason = reasonOf(error, "its authorization server offers no code for the browser");
    throw credentialErrors("gateway.login-failed", { server: server.name, reason }, { cause: error });
  }
}

export function settingsOf(server: RemoteServer): OAuthSettings {
  if (server.oauth !== false) return server.oauth ?? {};
  const reason = "its configuration says so";
  throw credentialErrors("gateway.login-not-offered", { server: server.name, reason });
}

export function fetchFor(server: RemoteServer, { resolve }: CredentialParts, signal?: AbortSignal): GuardedFetch {
  const issuer = server.oauth === false ? undefined : URL.parse(server.oauth?.issuer ?? "");
  return guardedFetch({
    server: new URL(server.url),
    trusted: issuer === null || issuer === undefined ? [] : [issuer.origin],
    ...(signal === undefined ? {} : { signal }),
    ...(resolve === undefined ? {} : { resolve }),
  });
}

export async function authorizationServerOf(
  server: RemoteServer,
  { resourceMetadata }: Challenge,
  fetch: GuardedFetch,
): Promise<AuthorizationServer> {
  const { issuer } = settingsOf(server);
  return await discoverAuthorizationServer({ server: server.name, url: server.url, resourceMetadata, issuer, fetch });
}

/** The client of the configuration, with its secrets. @throws `gateway.credential-missing` */
export async function configuredClient(
  server: string,
  settings: OAuthSettings,
  { secrets }: CredentialParts,
): Promise<ConfiguredClient | undefined> {
  const { clientId, keyAlgorithm, method } = settings;
  if (clientId === undefined) return undefined;
  const reveal = async (name: string | undefined): Promise<string | undefined> => {
    if (name === undefined) return undefined;
    const secret = await secrets.get(name, undefined);
    if (secret === undefined) throw credentialErrors("gateway.credential-missing", { server, secret: name });
    const value = secret.reveal();
    secret.dispose();
    return value;
  };
  return {
    clientId,
    clientSecret: await reveal(settings.clientSecret),
    privateKey: await reveal(settings.privateKey),
    keyAlgorithm,
    method,
  };
}

/** The client of a login for its next request: a configured one's secrets are read anew. */
export async function currentClient(
  server: RemoteServer,
  client: ClientIdentity,
  parts: CredentialParts,
): Promise<ClientIdentity> {
  if (client.how !== "configured") return client;
  const configured = await configuredClient(server.name, settingsOf(server), parts);
  if (configured?.clientId !== client.clientId) return client;
  return { ...client, clientSecret: configured.clientSecret, privateKey: configured.privateKey };
}

/** SEP-2207: a refresh token is asked for where the authorization server says that this is how. */
function offlineScope({ metadata }: AuthorizationServer): string | undefined {
  return metadata.scopes_supported?.includes("offline_access") === true ? "offline_access" : undefined;
}

/** What an unknown server says to somebody without a token. */
async function askForChallenge(server: RemoteServer, parts: CredentialParts, signal: AbortSignal): Promise<Challenge> {
  const answer = await probeAddress(server.url, { signal, ...(parts.resolve && { resolve: parts.resolve }) });
  return answer.status === 401 ? parseChallenge(answer.wwwAuthenticate) : {};
}

/** A browser is sent there: to no scheme that runs or opens something on the person's machine. */
function refuseStrangeUrl(server: string, url: URL): void {
  if (url.protocol === "https:" || (url.protocol === "http:" && isLoopbackName(url.hostname))) return;
  throw credentialErrors("gateway.login-failed", { server, reason: "its login page is not https" });
}
