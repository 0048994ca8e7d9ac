// Which authorization server a server belongs to: RFC 9728, then RFC 8414 or OpenID Connect Discovery.
import { isPratiqueError } from "@pratique/core";
import { credentialErrors } from "./errors.ts";
import type { GuardedFetch } from "./guarded-fetch.ts";
import { oauthSdk, type AuthorizationServerMetadata } from "./oauth-sdk.ts";

export interface AuthorizationServer {
  readonly issuer: string;
  readonly metadata: AuthorizationServerMetadata;
  /** The resource indicator of the server (RFC 8707), as it names itself. */
  readonly resource: string;
  /** Scopes that the server's metadata names; undefined: it names none. */
  readonly scopes: string | undefined;
}

export interface DiscoverOptions {
  readonly server: string;
  readonly url: string;
  /** Of the challenge. */
  readonly resourceMetadata?: string | undefined;
  /** What the configuration says: no other is taken. */
  readonly issuer?: string | undefined;
  readonly fetch: GuardedFetch;
}

const SCOPES_LIMIT = 100;

/** @throws `gateway.login-not-offered`, `gateway.login-failed`, `gateway.address-refused` */
export async function discoverAuthorizationServer(options: DiscoverOptions): Promise<AuthorizationServer> {
  const { server, url, fetch } = options;
  const failed = (reason: string, cause?: unknown): Error =>
    credentialErrors("gateway.login-failed", { server, reason }, { cause });
  const protectedResource = await protectedResourceOf(options);
  const listed = protectedResource?.authorization_servers ?? [];
  const issuer = options.issuer ?? listed[0] ?? `${new URL(url).origin}/`;
  if (options.issuer !== undefined && listed.length > 0 && !listed.some((one) => isSameIssuer(one, issuer))) {
    throw failed("it belongs to another issuer than the configuration names");
  }
  const resource = protectedResource?.resource ?? canonicalResource(url);
  if (!isResourceOf(resource, url)) throw failed("its metadata is that of another server");
  const { discoverAuthorizationServerMetadata } = await oauthSdk();
  let metadata: AuthorizationServerMetadata | undefined;
  try {
    // It compares the issuer in the document with the one that was asked for (RFC 8414 §3.3).
    metadata = await discoverAuthorizationServerMetadata(issuer, { fetchFn: fetch });
  } catch (error) {
    if (isPratiqueError(error)) throw error;
    throw failed(reasonOf(error, "its authorization server's metadata cannot be used"), error);
  }
  if (metadata === undefined) {
    throw credentialErrors("gateway.login-not-offered", { server, reason: "it names no authorization server" });
  }
  const scopes = protectedResource?.scopes_supported?.slice(0, SCOPES_LIMIT);
  return {
    issuer: metadata.issuer,
    metadata,
    resource,
    scopes: scopes === undefined || scopes.length === 0 ? undefined : scopes.join(" "),
  };
}

async function protectedResourceOf({ url, resourceMetadata, fetch, server }: DiscoverOptions) {
  const { discoverOAuthProtectedResourceMetadata } = await oauthSdk();
  try {
    const named = resourceMetadata === undefined ? {} : { resourceMetadataUrl: resourceMetadata };
    return await discoverOAuthProtectedResourceMetadata(url, named, fetch);
  } catch (error) {
    if (isPratiqueError(error)) throw error;
    // Where the server itself named a document, there must be one. Else it may be older than RFC 9728, if it answers.
    if (resourceMetadata === undefined && !isSilent(error)) return undefined;
    throw credentialErrors(
      "gateway.login-failed",
      { server, reason: reasonOf(error, "its own metadata cannot be used") },
      { cause: error },
    );
  }
}

function isSilent(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return error.name === "TimeoutError" || error.name === "AbortError" || ("code" in error && "syscall" in error);
}

/** MCP authorization, "Canonical Server URI": without query and fragment, as short as it goes. */
export function canonicalResource(url: string): string {
  const { origin, pathname } = new URL(url);
  return pathname === "/" ? origin : `${origin}${pathname.replace(/\/+$/, "")}`;
}

/** RFC 9728 §3.3; a server may be known by an address above its own, on the same origin. */
export function isResourceOf(resource: string, url: string): boolean {
  const [wanted, own] = [URL.parse(resource), new URL(url)];
  if (wanted === null || wanted.origin !== own.origin || wanted.hash !== "") return false;
  const slashed = (path: string): string => (path.endsWith("/") ? path : `${path}/`);
  return slashed(own.pathname).startsWith(slashed(wanted.pathname));
}

/** Compared as strings but for the slash after a bare host, which the URL standard adds. */
export function isSameIssuer(a: string, b: string): boolean {
  const bare = (issuer: string): string => (issuer.endsWith("/") ? issuer.slice(0, -1) : issuer);
  return bare(a) === bare(b);
}

/** Messages of the SDK may quote what a server said: only those of its own checks are passed on. */
export function reasonOf(error: unknown, otherwise: string): string {
  if (!(error instanceof Error)) return otherwise;
  if (error.constructor.name === "IssuerMismatchError") return "the issuer in the metadata is another one";
  if (error.name === "TimeoutError" || error.name === "AbortError") return "no answer in time";
  return "code" in error && typeof error.code === "string" && /^[A-Z_]{3,40}$/.test(error.code)
    ? `${otherwise} (${error.code})`
    : otherwise;
}

/** RFC 8252 §7.3, RFC 6761 §6.3; `hostname` as URL has it. */
export function isLoopbackName(hostname: string): boolean {
  return (
    hostname === "localhost" ||
    hostname.endsWith(".localhost") ||
    hostname === "[::1]" ||
    /^127(?:\.\d{1,3}){3}$/.test(hostname)
  );
}
