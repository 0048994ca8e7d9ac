// How the fake registry asks who is there: Basic, or Bearer with a token endpoint of its own.
import type { IncomingMessage, ServerResponse } from "node:http";

export type FakeAuth =
  | { readonly type: "basic"; readonly username: string; readonly password: string }
  /** Hands out tokens that hold their scopes, and wants `pull` or `push` in them; anonymous ones may pull only. */
  | { readonly type: "bearer"; readonly username: string; readonly password: string; readonly realm?: string };

export const TOKEN_PATH = "/token";

function basic(auth: FakeAuth): string {
  return `Basic ${Buffer.from(`${auth.username}:${auth.password}`).toString("base64")}`;
}

/** Serves the token endpoint; false when the request is for something else. */
export function handleToken(
  auth: FakeAuth | undefined,
  request: IncomingMessage,
  url: URL,
  response: ServerResponse,
): boolean {
  if (auth?.type !== "bearer" || url.pathname !== TOKEN_PATH) return false;
  request.resume();
  const given = request.headers.authorization;
  if (given !== undefined && given !== basic(auth)) {
    response.writeHead(401).end();
    return true;
  }
  const asked = url.searchParams.getAll("scope").flatMap((scope) => scope.split(" "));
  const granted = given === undefined ? asked.map((scope) => scope.replace(/:[^:]*$/, ":pull")) : asked;
  const token = Buffer.from(JSON.stringify(granted)).toString("base64url");
  response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify({ token, expires_in: 300 }));
  return true;
}

/** The challenge for a request that is not allowed, or undefined for one that is. */
export function isAuthorized(auth: FakeAuth | undefined, request: IncomingMessage, host: string): string | undefined {
  if (auth === undefined) return undefined;
  const given = request.headers.authorization;
  if (auth.type === "basic") return given === basic(auth) ? undefined : 'Basic realm="fake"';
  const name = /^\/v2\/(.+?)\/(?:manifests|blobs|tags|referrers)\//.exec(request.url ?? "")?.[1] ?? "";
  const action =
    request.method === "GET" || request.method === "HEAD" ? "pull" : request.method === "DELETE" ? "" : "push";
  const scopes = given?.startsWith("Bearer ") === true ? scopesOf(given.slice(7)) : [];
  const isAllowed = scopes.some((scope) => scope.startsWith(`repository:${name}:`) && scope.includes(action));
  if (isAllowed) return undefined;
  const scope = `repository:${name}:${action === "push" ? "pull,push" : action}`;
  return `Bearer realm="${auth.realm ?? `http://${host}${TOKEN_PATH}`}",service="fake",scope="${scope}"`;
}

function scopesOf(token: string): string[] {
  try {
    const parsed: unknown = JSON.parse(Buffer.from(token, "base64url").toString());
    return Array.isArray(parsed) ? parsed.map(String) : [];
  } catch {
    return [];
  }
}
