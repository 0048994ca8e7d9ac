// The SDK's helpers for OAuth, loaded when a server first asks for a login.
import type * as Sdk from "@modelcontextprotocol/client";

export type OAuthSdk = Pick<
  typeof Sdk,
  | "discoverOAuthProtectedResourceMetadata"
  | "discoverAuthorizationServerMetadata"
  | "startAuthorization"
  | "registerClient"
>;
export type { AuthorizationServerMetadata } from "@modelcontextprotocol/client";

export async function oauthSdk(): Promise<OAuthSdk> {
  return await import("@modelcontextprotocol/client");
}
