// Serves the console: static files, a one-time link that opens a read-only session, and that session's cookie.
import { createHash, randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import type { IncomingMessage, ServerResponse } from "node:http";
import { join } from "node:path";
import type { Clock } from "@pratique/core";
import type { Principal, UserPrincipal } from "@pratique/contracts";

const LINK_LIFETIME_MS = 60 * 60 * 1000;
const SESSION_LIFETIME_MS = 12 * 60 * 60 * 1000;
const COOKIE = "pratique_console";
const FILES: Readonly<Record<string, string>> = {
  "index.html": "text/html; charset=utf-8",
  "console.css": "text/css; charset=utf-8",
  "console.js": "text/javascript; charset=utf-8",
  "approvals.js": "text/javascript; charset=utf-8",
};
const HEADERS = {
  "content-security-policy":
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
  "cache-control": "no-store",
};

const ANSWER = /^\/control\/v1\/approvals\/[0-9a-f-]{36}$/;

/**
 * A page elsewhere cannot send this: a foreign Origin was turned away before, and the key lies in the page's own storage.
 * The cookie alone is not enough, since cookies ignore ports: whoever serves a page on this machine may see it.
 */
function isAnswer({ method, url = "", headers }: IncomingMessage, { answerKey }: Grant): boolean {
  const given = headers["x-pratique-console"];
  return (
    method === "POST" &&
    ANSWER.test(url) &&
    typeof given === "string" &&
    hashOf(given) === answerKey &&
    headers.origin !== undefined &&
    headers["sec-fetch-site"] !== "none"
  );
}

interface Grant {
  readonly user: UserPrincipal;
  readonly until: number;
  /** Hash of the key that answers approvals; of sessions. */
  readonly answerKey: string | undefined;
}

const hashOf = (secret: string): string => createHash("sha256").update(secret).digest("hex");

export class ConsolePages {
  readonly #directory: string;
  readonly #clock: Clock;
  readonly #links = new Map<string, Grant>();
  readonly #sessions = new Map<string, Grant>();

  constructor(directory: string, clock: Clock) {
    this.#directory = directory;
    this.#clock = clock;
  }

  /** A path that opens the console once, for an hour. */
  issueLink(user: UserPrincipal): string {
    return `/console/?code=${this.#grant(this.#links, user, LINK_LIFETIME_MS)}`;
  }

  /** Who the session cookie stands for. Such a session may read, and answer what waits for approval (ADR 0048). */
  authenticate(req: IncomingMessage): Principal | undefined {
    const cookie = /(?:^|;\s*)pratique_console=([A-Za-z0-9_-]{43})(?:;|$)/.exec(req.headers.cookie ?? "")?.[1];
    const grant = cookie === undefined ? undefined : this.#take(this.#sessions, cookie, false);
    const isRead = req.method === "GET" || req.method === "HEAD";
    return grant !== undefined && (isRead || isAnswer(req, grant)) ? grant.user : undefined;
  }

  async handle(req: IncomingMessage, res: ServerResponse, url: URL, principal: Principal | undefined): Promise<void> {
    for (const [name, value] of Object.entries(HEADERS)) res.setHeader(name, value);
    const code = url.searchParams.get("code");
    const grant = code === null ? undefined : this.#take(this.#links, code, true);
    if (grant !== undefined) {
      this.#openSession(res, grant.user);
      return;
    }
    if (principal === undefined) {
      res.setHeader("www-authenticate", 'Basic realm="pratique", charset="UTF-8"');
      res.writeHead(401, { "content-type": "text/plain; charset=utf-8" });
      res.end(
        "This page shows what is yours, so it asks who you are.\n\nuser      owner\npassword  what `pratique token` prints\n",
      );
      return;
    }
    // A browser sends HTTP Basic under /console/ only; the cookie lets the page read the control API.
    const isPage = url.pathname === "/console/";
    if (isPage && principal.type === "User" && this.authenticate(req) === undefined) {
      this.#openSession(res, principal);
      return;
    }
    const name = isPage ? "index.html" : url.pathname.slice("/console/".length);
    const type = FILES[name];
    if (type === undefined) {
      res.writeHead(404, { "content-type": "text/plain; charset=utf-8" }).end("not found\n");
      return;
    }
    const bytes = await readFile(join(this.#directory, name));
    res.writeHead(200, { "content-type": type, "content-length": bytes.length });
    res.end(bytes);
  }

  /** Answers with the cookie and the way to the page. */
  #openSession(res: ServerResponse, user: UserPrincipal): void {
    const answerKey = randomBytes(32).toString("base64url");
    const session = this.#grant(this.#sessions, user, SESSION_LIFETIME_MS, hashOf(answerKey));
    const attributes = `Path=/; HttpOnly; SameSite=Strict; Max-Age=${SESSION_LIFETIME_MS / 1000}`;
    res.setHeader("set-cookie", `${COOKIE}=${session}; ${attributes}`);
    // What stands behind # is not sent to anybody; the page keeps it where only this address and port can read it.
    res.writeHead(303, { location: `/console/#answer=${answerKey}` }).end();
  }

  #grant(grants: Map<string, Grant>, user: UserPrincipal, lifetimeMs: number, answerKey?: string): string {
    const secret = randomBytes(32).toString("base64url");
    const now = this.#clock.now().getTime();
    for (const [hash, { until }] of grants) if (until < now) grants.delete(hash);
    grants.set(hashOf(secret), { user, until: now + lifetimeMs, answerKey });
    return secret;
  }

  #take(grants: Map<string, Grant>, secret: string, once: boolean): Grant | undefined {
    const hash = hashOf(secret);
    const grant = grants.get(hash);
    if (grant === undefined || grant.until < this.#clock.now().getTime()) return undefined;
    if (once) grants.delete(hash);
    return grant;
  }
}
