// Where registry clients get their tokens: GET (distribution: docs/spec/auth/token.md) and POST (oauth.md).
import type { Principal } from "@pratique/contracts";
import { describeError, isPratiqueError, readBounded, type Log } from "@pratique/core";
import type { IncomingMessage, ServerResponse } from "node:http";
import { registryErrors } from "../errors.ts";
import { BASE_HEADERS } from "../exchange.ts";
import { wireError } from "../wire-error.ts";
import type { Bearer, RegistryTokens } from "./registry-tokens.ts";
import { formatScopes, parseScopes, type Access } from "./scope.ts";

export interface TokenEndpointOptions {
  readonly tokens: RegistryTokens;
  /** Whose credential an `Authorization` header carries. */
  readonly authenticate: (headers: { readonly authorization: string | undefined }) => Bearer | undefined;
  /** What of a scope policy allows the principal now. */
  readonly allow: (principal: Principal, access: Access) => Access | undefined;
  readonly log: Log;
}

export interface TokenEndpoint {
  handle(req: IncomingMessage, res: ServerResponse): Promise<void>;
}

interface Asked {
  readonly bearer: Bearer | undefined;
  readonly parameters: URLSearchParams;
  readonly wantsRefresh: boolean;
  readonly refreshToken?: string;
}

const FORM_LIMIT_BYTES = 64 * 1024;

export function createTokenEndpoint(options: TokenEndpointOptions): TokenEndpoint {
  return {
    async handle(req, res) {
      try {
        send(res, 200, await answer(options, await read(options, req)));
      } catch (error) {
        if (!isPratiqueError(error)) options.log.error("no token could be given out", describeError(error));
        const { status, code, message, detail } = wireError(error);
        if (status === 401) res.setHeader("WWW-Authenticate", 'Basic realm="pratique"');
        if (status === 405) res.setHeader("Allow", "GET, POST");
        // `error` and `error_description` are OAuth's (RFC 6749 §5.2), `errors` are what registry clients print.
        const oauth = { error: status === 401 ? "invalid_grant" : "invalid_request", error_description: message };
        send(res, status, { errors: [{ code, message, detail }], ...oauth });
      }
    },
  };
}

async function read({ authenticate, tokens }: TokenEndpointOptions, req: IncomingMessage): Promise<Asked> {
  const { authorization } = req.headers;
  if (req.method === "GET") {
    const parameters = new URL(req.url ?? "/", "http://token").searchParams;
    const wantsRefresh = parameters.get("offline_token") === "true";
    return { bearer: authenticate({ authorization }), parameters, wantsRefresh };
  }
  if (req.method !== "POST") {
    throw registryErrors("registry.method-not-allowed", { method: req.method ?? "", allowed: "GET, POST" });
  }
  const form = new URLSearchParams((await readBounded(req, FORM_LIMIT_BYTES, "the form")).toString("utf8"));
  const wantsRefresh = form.get("access_type") === "offline";
  const refreshToken = form.get("refresh_token");
  switch (form.get("grant_type")) {
    case "refresh_token": {
      const bearer = refreshToken === null ? undefined : await tokens.renew(refreshToken);
      // OAuth wants it given back, and clients store what they get.
      return { bearer, parameters: form, wantsRefresh, ...(refreshToken === null ? {} : { refreshToken }) };
    }
    case "password": {
      const pair = `${(form.get("username") ?? "").replaceAll(":", "")}:${form.get("password") ?? ""}`;
      const basic = `Basic ${Buffer.from(pair).toString("base64")}`;
      return { bearer: authenticate({ authorization: basic }), parameters: form, wantsRefresh };
    }
    default:
      throw registryErrors("registry.grant-unsupported");
  }
}

async function answer({ tokens, allow }: TokenEndpointOptions, asked: Asked): Promise<object> {
  const { bearer, parameters, wantsRefresh } = asked;
  if (bearer === undefined) throw registryErrors("registry.credentials-required");
  const service = parameters.get("service");
  if (service !== null && service !== tokens.service) {
    throw registryErrors("registry.service-unknown", { service: service.slice(0, 160) });
  }
  const access = parseScopes(parameters.getAll("scope")).flatMap((one) => allow(bearer.principal, one) ?? []);
  const { token, seconds } = await tokens.issue(bearer, access);
  const refresh = wantsRefresh ? await tokens.issueRefresh(bearer) : asked.refreshToken;
  return {
    token,
    access_token: token,
    token_type: "Bearer",
    expires_in: seconds,
    scope: formatScopes(access),
    ...(refresh === undefined ? {} : { refresh_token: refresh }),
  };
}

function send(res: ServerResponse, status: number, json: object): void {
  const body = Buffer.from(JSON.stringify(json));
  res.writeHead(status, {
    ...BASE_HEADERS,
    "Content-Type": "application/json",
    "Content-Length": String(body.length),
    "Cache-Control": "no-store",
  });
  res.end(body);
}
