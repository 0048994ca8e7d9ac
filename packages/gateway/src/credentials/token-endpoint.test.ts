// What token endpoints answer, and what is made of it.
import { describe, expect, it } from "vitest";
import type { AuthorizationServer } from "./authorization-server.ts";
import { clientCredentials, refreshTokens, TokenRefusal } from "./token-endpoint.ts";

const now = Date.parse("2026-01-01T00:00:00Z");

/** A token endpoint that answers just this, and what it was sent. */
function endpoint(body: unknown, status = 200) {
  const asked: { headers: Headers; form: URLSearchParams }[] = [];
  const request = {
    server: "notes",
    authorizationServer: {
      issuer: "https://as.example",
      resource: "https://notes.example/mcp",
      scopes: undefined,
      metadata: { token_endpoint: "https://as.example/token" },
    } as unknown as AuthorizationServer,
    client: { issuer: "https://as.example", clientId: "me", method: "none", how: "registered" } as const,
    now,
    fetch: async (_url: string | URL, init: RequestInit = {}) => {
      asked.push({ headers: new Headers(init.headers), form: new URLSearchParams(String(init.body)) });
      return new Response(typeof body === "string" ? body : JSON.stringify(body), { status });
    },
  };
  return { request, asked };
}

describe("a token endpoint", () => {
  it("is told for which resource the token is, and who asks", async () => {
    const { request, asked } = endpoint({ access_token: "a", token_type: "Bearer" });
    await clientCredentials(request, "read");
    expect(Object.fromEntries(asked[0]?.form ?? [])).toEqual({
      grant_type: "client_credentials",
      scope: "read",
      resource: "https://notes.example/mcp",
      client_id: "me",
    });
  });

  it.each([
    [
      { expires_in: 60, scope: "a b" },
      { expiresAt: now + 60_000, scope: "a b" },
    ],
    [
      { expires_in: "60", scope: "a,b" },
      { expiresAt: now + 60_000, scope: "a b" },
    ],
    [
      { expires_in: null, scope: null, refresh_token: null },
      { expiresAt: undefined, scope: undefined },
    ],
    [
      { expires_in: -5, scope: "", refresh_token: "" },
      { expiresAt: now, scope: undefined, refreshToken: "old" },
    ],
    [{ expires_in: 1e300 }, { expiresAt: now + 315_360_000_000 }],
    [{ refresh_token: "new" }, { refreshToken: "new" }],
  ])("may say %j", async (more, expected) => {
    const { request } = endpoint({ access_token: "a", token_type: "bearer", ...more });
    expect(await refreshTokens(request, "old")).toMatchObject({ accessToken: "a", refreshToken: "old", ...expected });
  });

  it.each([
    [{ access_token: "a\r\nx-evil: 1", token_type: "Bearer" }],
    [{ access_token: "a b", token_type: "Bearer" }],
    [{ access_token: "a", token_type: "DPoP" }],
    [{ access_token: "a" }],
    [{ token_type: "Bearer" }],
    ["<html>"],
    ["null"],
  ])("gives no token with %j", async (body) => {
    const { request } = endpoint(body);
    await expect(refreshTokens(request, "old")).rejects.toMatchObject({ code: "gateway.login-failed" });
  });

  it("is quoted by its code alone", async () => {
    const { request } = endpoint({ error: "invalid_grant", error_description: "token s3cret is used" }, 400);
    const error: unknown = await refreshTokens(request, "s3cret").catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(TokenRefusal);
    expect(String(error)).not.toContain("s3cret");
  });

  it.each([
    [{ error: "temporarily_unavailable" }, 400],
    [{ error: "invalid_grant" }, 503],
    [{ error: "slow_down" }, 429],
  ])("ends no login when it says %j with status %i", async (body, status) => {
    const { request } = endpoint(body, status);
    await expect(refreshTokens(request, "old")).rejects.toMatchObject({ code: "gateway.login-failed" });
  });
});
