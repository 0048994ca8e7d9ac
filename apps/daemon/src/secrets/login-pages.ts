// What the world sees of logins: the page that browsers come back to, and the document that says who we are.
import type { IncomingMessage, ServerResponse } from "node:http";
import { isPratiqueError } from "@pratique/core";
import type { Credentials } from "@pratique/gateway";

export const CALLBACK_PATH = "/oauth/callback";
export const BEGIN_PATH = "/oauth/begin/";
export const DOCUMENT_PATH = "/.well-known/pratique-client.json";

const TIMEOUT_MS = 30_000;
const HEADERS = {
  "content-security-policy": "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
  "cache-control": "no-store",
};

export class LoginPages {
  readonly #credentials: Credentials;
  /** Host of the public address, under which only these two pages are served. */
  readonly #publicHost: string | undefined;

  constructor(options: { readonly credentials: Credentials; readonly publicUrl: string | undefined }) {
    this.#credentials = options.credentials;
    this.#publicHost = options.publicUrl === undefined ? undefined : new URL(options.publicUrl).host;
  }

  /** True for what this answers; nothing else is served under the public address. */
  has(path: string): boolean {
    return path === CALLBACK_PATH || path === DOCUMENT_PATH || path.startsWith(BEGIN_PATH);
  }

  isPublicHost(host: string | undefined): boolean {
    return host !== undefined && host.toLowerCase() === this.#publicHost;
  }

  async handle(req: IncomingMessage, res: ServerResponse, url: URL): Promise<void> {
    for (const [name, value] of Object.entries(HEADERS)) res.setHeader(name, value);
    if (req.method !== "GET") {
      res.writeHead(405, { allow: "GET" }).end();
      return;
    }
    if (url.pathname === DOCUMENT_PATH) {
      res.writeHead(200, { "content-type": "application/json", "cache-control": "public, max-age=300" });
      res.end(JSON.stringify(this.#credentials.document(), null, 2));
      return;
    }
    if (url.pathname.startsWith(BEGIN_PATH)) {
      const location = this.#credentials.pageOf(url.pathname.slice(BEGIN_PATH.length));
      if (location === undefined) page(res, 404, "This login was begun before, or long ago", "Begin it again.");
      else res.writeHead(302, { location }).end();
      return;
    }
    try {
      const server = await this.#credentials.finish(url.searchParams, AbortSignal.timeout(TIMEOUT_MS));
      page(res, 200, `You are logged in to ${server}`, "You may close this window.");
    } catch (error) {
      if (!isPratiqueError(error)) throw error;
      page(res, error.status === 403 ? 403 : 400, error.message, error.hint ?? "");
    }
  }
}

function page(res: ServerResponse, status: number, title: string, text: string): void {
  res.writeHead(status, { "content-type": "text/html; charset=utf-8" });
  res.end(
    `<!doctype html><html lang="en"><meta charset="utf-8"><title>Pratique</title><h1>${escaped(title)}</h1><p>${escaped(text)}</p></html>\n`,
  );
}

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
