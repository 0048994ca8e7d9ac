// The map of the listener: which path belongs to whom (DESIGN §7).
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AuditLog } from "@pratique/audit";
import type { Principal } from "@pratique/contracts";
import { mcpEndpoint, type Gateway } from "@pratique/gateway";
import { allowedOrThrow, type Guard } from "@pratique/guard";
import type { Identity } from "@pratique/identity";
import type { Inference } from "@pratique/inference";
import { TOKEN_PATH, type Registry, type RegistryTokens, type TokenEndpoint } from "@pratique/registry";
import { isEditorOrigin, isRegistryPath, type RegistryApi } from "./catalogs/registry-api.ts";
import type { AdmissionApi } from "./admission/admission-api.ts";
import type { OpenedSigstore } from "@pratique/sigstore";
import type { ConsolePages } from "./console-pages.ts";
import { daemonErrors } from "./errors.ts";
import type { LoginPages } from "./secrets/login-pages.ts";
import type { Handler } from "./listener.ts";
import { SIGSTORE_PREFIX } from "./sigstore/own-sigstore.ts";

export interface Routes {
  readonly identity: Identity;
  readonly guard: Guard;
  readonly registry: Registry;
  readonly tokens: RegistryTokens;
  readonly tokenEndpoint: TokenEndpoint;
  readonly gateway: Gateway;
  readonly inference: Inference;
  readonly audit: AuditLog;
  /** Undefined: this daemon is none. */
  readonly sigstore: OpenedSigstore | undefined;
  readonly pages: ConsolePages;
  readonly logins: LoginPages;
  readonly admission: AdmissionApi;
  readonly catalogs: RegistryApi;
  readonly control: (
    req: IncomingMessage,
    res: ServerResponse,
    url: URL,
    principal: Principal | undefined,
  ) => Promise<void>;
}

const LOOPBACK_HOST = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d{1,5})?$/i;

/** The handler of every request. */
export function route(routes: Routes): Handler {
  const { identity, registry, tokens, tokenEndpoint, gateway, inference, pages, logins } = routes;
  return async (req, res, url) => {
    const path = url.pathname;
    // A page on the web that resolves its own name to 127.0.0.1 sends that name as Host (DNS rebinding).
    if (!LOOPBACK_HOST.test(req.headers.host ?? "") && !(logins.has(path) && logins.isPublicHost(req.headers.host)))
      return misdirected(res);
    const mcp = mcpEndpoint(path);
    // The gateway has its own rule: MCP's browser clients live on other loopback ports.
    const isRegistry = isRegistryPath(path);
    // An editor reads the list of servers from pages of its own, which have no address on the web.
    const isEditor = isRegistry && isEditorOrigin(req.headers.origin);
    if (mcp === undefined && !isEditor && isOtherPage(req)) return foreignPage(res);
    // Who comes back from a login page says so by its state alone, and who reads our document need not say.
    if (logins.has(path)) return await logins.handle(req, res, url);
    const principal = identity.authenticate({ authorization: req.headers.authorization });
    if (path === "/v2" || path.startsWith("/v2/")) {
      // A credential needs no look at tokens; a token of the registry's is good here and nowhere else.
      const grant = principal === undefined ? await tokens.authenticate(req.headers.authorization) : { principal };
      return await registry.handle(req, res, grant ?? { principal: undefined });
    }
    if (path === TOKEN_PATH) return await tokenEndpoint.handle(req, res);
    if (mcp !== undefined) return await gateway.handle(req, res, { principal, ...mcp });
    if (isRegistry) return await routes.catalogs(req, res, url, principal);
    if (path.startsWith("/v1/")) return await inference.handle(req, res, { principal, path: path.slice("/v1".length) });
    if (path.startsWith("/control/v1/"))
      return await routes.control(req, res, url, principal ?? pages.authenticate(req));
    if (path.startsWith("/admission/v1/")) return await routes.admission(req, res, url, principal);
    if (routes.sigstore !== undefined && path.startsWith(`${SIGSTORE_PREFIX}/`)) {
      return await routes.sigstore.handle(req, res, { path: path.slice(SIGSTORE_PREFIX.length), principal });
    }
    if (path === "/console" || path === "/") return redirect(res, "/console/");
    if (path.startsWith("/console/")) return await pages.handle(req, res, url, principal ?? pages.authenticate(req));
    if (path.startsWith("/log/")) return await tile(routes, res, path.slice("/log/".length), principal);
    throw daemonErrors("control.not-found", { path: path.slice(0, 200) });
  };
}

/** Serves the log as C2SP tlog-tiles: checkpoint, tiles, entry bundles. */
async function tile(
  routes: Routes,
  res: ServerResponse,
  path: string,
  principal: Principal | undefined,
): Promise<void> {
  if (principal === undefined) {
    res.setHeader("www-authenticate", 'Bearer realm="pratique"');
    throw daemonErrors("control.unauthorized");
  }
  const outcome = await routes.guard.perform(
    { principal, action: "audit:read", resource: { type: "AuditLog", id: "log" } },
    async () => {
      if (path === "checkpoint") await routes.audit.checkpoint();
      return await routes.audit.tile(path);
    },
  );
  const bytes = allowedOrThrow(outcome);
  if (bytes === undefined) throw daemonErrors("control.not-found", { path: `/log/${path.slice(0, 100)}` });
  res.writeHead(200, {
    "content-type": path === "checkpoint" ? "text/plain; charset=utf-8" : "application/octet-stream",
    "content-length": bytes.length,
    "cache-control": path === "checkpoint" ? "no-store" : "private, max-age=31536000, immutable",
  });
  res.end(bytes);
}

/**
 * True when a browser sends it for a page that is not ours. A page elsewhere must not ride on the console's cookie or
 * on credentials that the browser remembers; a link that somebody follows is their own doing (Fetch Metadata).
 */
function isOtherPage({ headers }: IncomingMessage): boolean {
  const { origin, host = "" } = headers;
  if (origin !== undefined) return origin.toLowerCase() !== `http://${host.toLowerCase()}`;
  const site = headers["sec-fetch-site"];
  return (site === "cross-site" || site === "same-site") && headers["sec-fetch-mode"] !== "navigate";
}

function foreignPage(res: ServerResponse): void {
  res.writeHead(403, { "content-type": "text/plain; charset=utf-8" });
  res.end("this daemon does not answer to other web pages\n");
}

function misdirected(res: ServerResponse): void {
  res.writeHead(421, { "content-type": "text/plain; charset=utf-8" });
  res.end("this daemon answers to its loopback names only\n");
}

function redirect(res: ServerResponse, location: string): void {
  res.writeHead(302, { location }).end();
}
