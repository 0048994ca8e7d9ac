// Who we are to an authorization server: configured, by a metadata document, or registered with it; kept by issuer.
import { createHash } from "node:crypto";
import { isPratiqueError } from "@pratique/core";
import type { SecretStore } from "@pratique/secrets";
import { z } from "zod";
import type { AuthorizationServer } from "./authorization-server.ts";
import { reasonOf } from "./authorization-server.ts";
import { scopeUnion } from "./challenge.ts";
import { credentialErrors } from "./errors.ts";
import type { GuardedFetch } from "./guarded-fetch.ts";
import { oauthSdk } from "./oauth-sdk.ts";

export const ClientIdentity = z.strictObject({
  issuer: z.string(),
  clientId: z.string().min(1).max(2000),
  clientSecret: z.string().max(4000).optional(),
  /** Milliseconds since 1970; absent: it does not end. */
  secretExpiresAt: z.number().optional(),
  method: z.enum(["none", "client_secret_basic", "client_secret_post", "private_key_jwt"]),
  /** PKCS #8, for private_key_jwt. Never kept with it: it is a secret of its own. */
  privateKey: z.string().optional(),
  keyAlgorithm: z.string().max(20).optional(),
  redirectUrl: z.string().optional(),
  how: z.enum(["configured", "document", "registered"]),
});
export type ClientIdentity = z.infer<typeof ClientIdentity>;
export type AuthenticationMethod = ClientIdentity["method"];

export interface ConfiguredClient {
  readonly clientId: string;
  readonly clientSecret?: string | undefined;
  readonly privateKey?: string | undefined;
  readonly keyAlgorithm?: string | undefined;
  readonly method?: AuthenticationMethod | undefined;
}

export interface IdentityOptions {
  readonly server: string;
  readonly authorizationServer: AuthorizationServer;
  readonly redirectUrl: string;
  readonly configured: ConfiguredClient | undefined;
  /** Address of our client metadata document, where the world can read it. */
  readonly documentUrl: string | undefined;
  readonly scope: string | undefined;
  readonly secrets: SecretStore;
  readonly now: number;
  readonly fetch: GuardedFetch;
}

const CLIENT_KIND = "oauth-client";

/** @throws `gateway.login-failed`, `gateway.login-not-offered` */
export async function clientIdentity(options: IdentityOptions): Promise<ClientIdentity> {
  const { authorizationServer, configured, documentUrl, redirectUrl, secrets, now } = options;
  const { issuer, metadata } = authorizationServer;
  const offered = metadata.token_endpoint_auth_methods_supported ?? [];
  if (configured !== undefined) {
    const { clientId, clientSecret, privateKey, keyAlgorithm } = configured;
    const method = configured.method ?? methodFor({ clientSecret, privateKey }, offered);
    return { issuer, clientId, clientSecret, privateKey, keyAlgorithm, method, redirectUrl, how: "configured" };
  }
  // MCP authorization: metadata documents before registration, which is deprecated.
  if (metadata.client_id_metadata_document_supported === true && documentUrl !== undefined) {
    return { issuer, clientId: documentUrl, method: "none", redirectUrl, how: "document" };
  }
  const kept = await keptClient(secrets, issuer);
  const isUsable = kept?.redirectUrl === redirectUrl && (kept.secretExpiresAt ?? Number.POSITIVE_INFINITY) > now;
  if (kept !== undefined && isUsable) return kept;
  const made = await register(options, offered);
  await secrets.keep({ owner: "", name: keyOf(issuer), kind: CLIENT_KIND, facts: { issuer } }, bytesOf(made));
  return made;
}

/** The client under which a login was made, for its refresh: of a registered one what is kept. */
export async function keptClient(secrets: SecretStore, issuer: string): Promise<ClientIdentity | undefined> {
  const opened = await secrets.open({ owner: "", name: keyOf(issuer) });
  if (opened === undefined || opened.entry.kind !== CLIENT_KIND) return undefined;
  try {
    const parsed = ClientIdentity.safeParse(JSON.parse(opened.secret.reveal()));
    // Credentials are those of one issuer and are shown to no other.
    return parsed.success && parsed.data.issuer === issuer ? parsed.data : undefined;
  } finally {
    opened.secret.dispose();
  }
}

/** After `invalid_client`: it is registered anew with the next login. */
export async function forgetClient(secrets: SecretStore, issuer: string): Promise<void> {
  await secrets.remove({ owner: "", name: keyOf(issuer) });
}

async function register(options: IdentityOptions, offered: readonly string[]): Promise<ClientIdentity> {
  const { server, authorizationServer, redirectUrl, fetch } = options;
  const { issuer, metadata } = authorizationServer;
  if (metadata.registration_endpoint === undefined) {
    const reason = "its authorization server registers nobody; name a client in `auth.oauth.clientId`";
    throw credentialErrors("gateway.login-not-offered", { server, reason });
  }
  const { registerClient } = await oauthSdk();
  const isLoopback = new URL(redirectUrl).protocol === "http:";
  const method = methodToRegister(offered);
  const clientMetadata = {
    ...CLIENT_METADATA,
    redirect_uris: [redirectUrl],
    token_endpoint_auth_method: method,
    // OpenID Connect Dynamic Client Registration §2: loopback addresses are for native clients alone.
    application_type: isLoopback ? "native" : "web",
  };
  const ask = (scope: string | undefined) =>
    registerClient(issuer, { metadata, clientMetadata, ...(scope === undefined ? {} : { scope }), fetchFn: fetch });
  try {
    const scope = scopeToRegister(options);
    const client = await ask(scope).catch(async (error: unknown) => {
      // Some know the scopes of their resources, and refuse them here.
      if (scope === undefined || isPratiqueError(error)) throw error;
      return await ask(undefined);
    });
    const expires = client.client_secret_expires_at ?? 0;
    const given = methodOf(client.token_endpoint_auth_method) ?? method;
    return ClientIdentity.parse({
      issuer,
      clientId: client.client_id,
      ...(client.client_secret === undefined ? {} : { clientSecret: client.client_secret }),
      ...(expires === 0 ? {} : { secretExpiresAt: expires * 1000 }),
      method: client.client_secret === undefined ? "none" : given === "none" ? "client_secret_basic" : given,
      redirectUrl,
      how: "registered",
    });
  } catch (error) {
    if (isPratiqueError(error)) throw error;
    const reason = reasonOf(error, "its authorization server did not register us");
    throw credentialErrors("gateway.login-failed", { server, reason }, { cause: scrubbed(error) });
  }
}

/** All that may ever be asked for, since a registration bounds it: of what the authorization server says it knows. */
function scopeToRegister({ authorizationServer, scope }: IdentityOptions): string | undefined {
  const known = authorizationServer.metadata.scopes_supported;
  const all = scopeUnion(scope, authorizationServer.scopes)?.split(" ") ?? [];
  const fitting = known === undefined ? all : all.filter((one) => known.includes(one));
  return fitting.length < all.length || all.length === 0 ? undefined : all.join(" ");
}

/** What every registration and our metadata document say of us. */
export const CLIENT_METADATA = {
  client_name: "Pratique",
  grant_types: ["authorization_code", "refresh_token"],
  response_types: ["code"],
};

/** A public client needs no secret, and has none to lose. RFC 8414 §2: absent means client_secret_basic. */
function methodToRegister(offered: readonly string[]): AuthenticationMethod {
  for (const method of ["none", "client_secret_basic", "client_secret_post"] as const)
    if (offered.includes(method)) return method;
  return offered.length === 0 ? "client_secret_basic" : "none";
}

function methodFor(
  { clientSecret, privateKey }: Pick<ConfiguredClient, "clientSecret" | "privateKey">,
  offered: readonly string[],
): AuthenticationMethod {
  if (privateKey !== undefined) return "private_key_jwt";
  if (clientSecret === undefined) return "none";
  return offered.length === 0 || offered.includes("client_secret_basic") ? "client_secret_basic" : "client_secret_post";
}

function methodOf(name: string | undefined): AuthenticationMethod | undefined {
  return ClientIdentity.shape.method.safeParse(name).data;
}

function keyOf(issuer: string): string {
  return `oauth-client:${createHash("sha256").update(issuer).digest("hex").slice(0, 32)}`;
}

function bytesOf(client: ClientIdentity): Buffer {
  return Buffer.from(JSON.stringify(client));
}

/** An error of the SDK may hold what was sent and what came back. */
function scrubbed(error: unknown): Error {
  return new Error(error instanceof Error ? error.name : "failed");
}
