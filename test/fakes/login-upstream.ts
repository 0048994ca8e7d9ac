// An MCP server that wants a login, and a real authorization server (oidc-provider) that gives it; runs by hand, too.
import { generateKeyPairSync } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { Provider, type Configuration } from "oidc-provider";

export interface LoginUpstreamOptions {
  /** Of the authorization server, beside what this needs. */
  readonly provider?: Configuration;
  /** Scopes that the server asks for. */
  readonly scopes?: string;
  /** Tools whose call needs a further scope, by name. */
  readonly scopeOf?: Readonly<Record<string, string>>;
  /** Seconds that an access token is good for. */
  readonly lifetimeS?: number;
  readonly path?: string;
}

export interface LoginUpstream {
  readonly url: string;
  readonly issuer: string;
  /** `authorization` of each request to the server. */
  readonly seen: (string | undefined)[];
  /** What it was sent. */
  readonly bodies: string[];
  /** Requests to the authorization server: method and path. */
  readonly asked: string[];
  /** What the server answers to the next request instead, once. */
  next: { readonly status: number; readonly headers?: Record<string, string> } | undefined;
  /** Requests to the token endpoint wait until it resolves. */
  hold: Promise<void> | undefined;
  /** Does what a person does who says yes to everything: the address at which the browser ends. */
  browse(page: string): Promise<URL>;
  /** Access tokens that were given are good no more; refresh tokens are. */
  expire(): void;
  close(): Promise<void>;
}

/** Listens on loopback, on ports that are free. */
export async function startLoginUpstream(options: LoginUpstreamOptions = {}): Promise<LoginUpstream> {
  const { scopes = "read", scopeOf = {}, lifetimeS = 3600, path = "/mcp" } = options;
  const servers: Server[] = [];
  const listen = async (handle: (req: IncomingMessage, res: ServerResponse) => void): Promise<string> => {
    const server = createServer(handle);
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const address = server.address();
    if (address === null || typeof address === "string") throw new Error("no port");
    return `http://127.0.0.1:${address.port}`;
  };
  let [handleLogin, handleMcp]: ((req: IncomingMessage, res: ServerResponse) => void)[] = [];
  const issuer = await listen((req, res) => handleLogin?.(req, res));
  const origin = await listen((req, res) => handleMcp?.(req, res));
  const resource = `${origin}${path}`;
  let goodFrom = 0;
  const upstream: { -readonly [Key in keyof LoginUpstream]: LoginUpstream[Key] } = {
    url: resource,
    issuer,
    seen: [],
    bodies: [],
    asked: [],
    next: undefined,
    hold: undefined,
    browse: (page) => browse(page, issuer),
    expire: () => void (goodFrom = issued),
    async close() {
      for (const server of servers) {
        server.close();
        server.closeAllConnections();
      }
    },
  };
  let issued = 0;
  const numbers = new Map<string, number>();
  const provider = openProvider(issuer, resource, lifetimeS, options.provider);
  provider.on("access_token.saved", (token: { jti: string }) => void numbers.set(token.jti, (issued += 1)));
  provider.on("client_credentials.saved", (token: { jti: string }) => void numbers.set(token.jti, (issued += 1)));
  const login = provider.callback();
  handleLogin = (req, res) => {
    upstream.asked.push(`${req.method} ${req.url?.split("?")[0]}`);
    const path = req.url ?? "";
    if (path.startsWith("/interaction/")) void sayYes(provider, req, res);
    else if (path === "/token" && upstream.hold !== undefined) void upstream.hold.then(() => login(req, res));
    else void login(req, res);
  };
  handleMcp = (req, res) => {
    if (req.url === `/.well-known/oauth-protected-resource${path}`) {
      res.writeHead(200, { "content-type": "application/json" });
      res.end(JSON.stringify({ resource, authorization_servers: [issuer], scopes_supported: scopes.split(" ") }));
      return;
    }
    void answer(req, res);
  };
  const challenge = (res: ServerResponse, status: number, more: string): void => {
    const metadata = `resource_metadata="${origin}/.well-known/oauth-protected-resource${path}"`;
    res.writeHead(status, { "www-authenticate": `Bearer ${metadata}, ${more}` }).end();
  };
  const answer = async (req: IncomingMessage, res: ServerResponse): Promise<void> => {
    const text = await bodyOf(req);
    const { authorization } = req.headers;
    upstream.seen.push(authorization);
    upstream.bodies.push(text);
    const { next } = upstream;
    upstream.next = undefined;
    if (req.method !== "POST") return void res.writeHead(405, { allow: "POST" }).end();
    if (next !== undefined) return void res.writeHead(next.status, next.headers).end();
    const given = /^Bearer (.+)$/.exec(authorization ?? "")?.[1];
    const token =
      given === undefined
        ? undefined
        : ((await provider.AccessToken.find(given)) ?? (await provider.ClientCredentials.find(given)));
    const isGood = token !== undefined && (numbers.get(token.jti) ?? 0) > goodFrom && token.aud === resource;
    if (!isGood) return challenge(res, 401, `scope="${scopes}"`);
    const message: { id?: number; method?: string; params?: { name?: string; protocolVersion?: string } } =
      JSON.parse(text);
    const needed = message.method === "tools/call" ? scopeOf[message.params?.name ?? ""] : undefined;
    if (needed !== undefined && !token.scope?.split(" ").includes(needed)) {
      return challenge(res, 403, `error="insufficient_scope", scope="${needed}"`);
    }
    if (message.id === undefined) return void res.writeHead(202).end();
    const who = "accountId" in token ? token.accountId : "itself";
    res.writeHead(200, { "content-type": "application/json" });
    res.end(JSON.stringify({ jsonrpc: "2.0", id: message.id, ...resultOf(message, who) }));
  };
  return upstream;
}

/** One for all: nothing that it signs is looked at. */
const SIGNING_KEY = generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey.export({ format: "jwk" });

function openProvider(issuer: string, resource: string, lifetimeS: number, more: Configuration = {}): Provider {
  return new Provider(issuer, {
    ...more,
    clients: more.clients ?? [],
    jwks: { keys: [SIGNING_KEY] },
    scopes: ["openid", "offline_access"],
    pkce: { required: () => true },
    rotateRefreshToken: true,
    ttl: {
      AccessToken: lifetimeS,
      ClientCredentials: lifetimeS,
      Grant: () => 86_400,
      Interaction: () => 600,
      RefreshToken: () => 86_400,
      Session: () => 600,
    },
    interactions: { url: (_ctx, interaction) => `/interaction/${interaction.uid}` },
    findAccount: (_ctx, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
    issueRefreshToken: async () => true,
    features: {
      devInteractions: { enabled: false },
      registration: { enabled: true },
      revocation: { enabled: true },
      clientCredentials: { enabled: true },
      resourceIndicators: {
        enabled: true,
        useGrantedResource: () => true,
        getResourceServerInfo: (_ctx, indicator) => {
          if (indicator !== resource) throw new Error("invalid_target");
          return { scope: "read write", audience: resource, accessTokenFormat: "opaque" };
        },
      },
      ...more.features,
    },
  });
}

/** The person, her consent, and everything that was asked for. */
async function sayYes(provider: Provider, req: IncomingMessage, res: ServerResponse): Promise<void> {
  const { params, prompt, session } = await provider.interactionDetails(req, res);
  if (prompt.name === "login") {
    await provider.interactionFinished(req, res, { login: { accountId: "ada" } });
    return;
  }
  const grant = new provider.Grant({ accountId: session?.accountId ?? "ada", clientId: String(params["client_id"]) });
  grant.addOIDCScope("openid offline_access");
  grant.addResourceScope(String(params["resource"]), String(params["scope"] ?? ""));
  await provider.interactionFinished(req, res, { consent: { grantId: await grant.save() } });
}

/** Follows redirects with the cookies of the authorization server, until they lead elsewhere. */
async function browse(page: string, issuer: string): Promise<URL> {
  const cookies = new Map<string, string>();
  let at = new URL(page);
  for (let step = 0; step < 20; step++) {
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join("; ");
    const answer = await fetch(at, { redirect: "manual", headers: { cookie } });
    for (const line of answer.headers.getSetCookie()) {
      const [name = "", value = ""] = (line.split(";")[0] ?? "").split(/=(.*)/s);
      cookies.set(name, value);
    }
    const location = answer.headers.get("location");
    if (location === null)
      throw new Error(`${at.href} answers ${answer.status}: ${(await answer.text()).slice(0, 300)}`);
    at = new URL(location, at);
    if (at.origin !== issuer) return at;
  }
  throw new Error("it redirects without end");
}

function resultOf(
  { method, params }: { method?: string; params?: { name?: string; protocolVersion?: string } },
  who: string,
): Readonly<Record<string, unknown>> {
  const tool = (name: string) => ({ name, inputSchema: { type: "object" }, annotations: { readOnlyHint: true } });
  switch (method) {
    case "initialize":
      return {
        result: {
          protocolVersion: params?.protocolVersion === "2025-06-18" ? "2025-06-18" : "2025-11-25",
          capabilities: { tools: {} },
          serverInfo: { name: "login-upstream", version: "1.0.0" },
        },
      };
    case "tools/list":
      return { result: { tools: [tool("whoami"), tool("write_note")] } };
    case "tools/call":
      return { result: { content: [{ type: "text", text: `${params?.name} as ${who}` }] } };
    case "ping":
      return { result: {} };
    default:
      return { error: { code: -32601, message: "no such method" } };
  }
}

async function bodyOf(req: IncomingMessage): Promise<string> {
  let text = "";
  for await (const chunk of req) text += String(chunk);
  return text;
}
