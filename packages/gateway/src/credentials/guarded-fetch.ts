// fetch for logins: only to places that a server may send us to, bounded in size and time, redirects not followed.
import { lookup as systemLookup, type LookupAddress } from "node:dns";
import { request as httpRequest } from "node:http";
import { request as httpsRequest } from "node:https";
import { isIP, type LookupFunction } from "node:net";
import { readBounded } from "@pratique/core";
import { addressClass, type AddressClass } from "./address-class.ts";
import { credentialErrors } from "./errors.ts";

export type Resolve = (host: string) => Promise<readonly string[]>;
export type GuardedFetch = (url: string | URL, init?: RequestInit) => Promise<Response>;

export interface GuardedFetchOptions {
  /** Where the server itself is: what is next to it may be asked. */
  readonly server: URL;
  /** Origins that the configuration names, such as an issuer: they may be anywhere but at a cloud's metadata. */
  readonly trusted?: readonly string[];
  readonly signal?: AbortSignal;
  readonly resolve?: Resolve;
}

const LIMIT_BYTES = 512 * 1024;
const TIMEOUT_MS = 15_000;
/** Of a request's own headers, those that go out. */
const METHODS = new Set(["GET", "POST"]);

export function guardedFetch(options: GuardedFetchOptions): GuardedFetch {
  const resolve = options.resolve ?? systemAddresses;
  let own: Promise<AddressClass> | undefined;
  const ownClass = (): Promise<AddressClass> => (own ??= surroundingsOf(options.server, resolve));
  return async (input, init = {}) => {
    const url = new URL(input);
    const addresses = await admit(url, options, resolve, ownClass);
    return await send(url, init, addresses, options.signal);
  };
}

/** What the server itself says to a request without a token; its answer is not read. */
export async function probeAddress(
  server: string,
  options: Pick<GuardedFetchOptions, "signal" | "resolve">,
): Promise<{ readonly status: number; readonly wwwAuthenticate: string | undefined }> {
  const url = new URL(server);
  const resolve = options.resolve ?? systemAddresses;
  const addresses = await admit(url, { ...options, server: url }, resolve, () => surroundingsOf(url, resolve));
  const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method: "ping" });
  const headers = { "content-type": "application/json", accept: "application/json, text/event-stream" };
  const answer = await send(url, { method: "POST", headers, body }, addresses, options.signal, true);
  return { status: answer.status, wwwAuthenticate: answer.headers.get("www-authenticate") ?? undefined };
}

/** The addresses of the host, all of which may be asked. @throws `gateway.address-refused` */
async function admit(
  url: URL,
  { server, trusted = [] }: GuardedFetchOptions,
  resolve: Resolve,
  ownClass: () => Promise<AddressClass>,
): Promise<readonly string[]> {
  const refuse = (reason: string): Error =>
    credentialErrors("gateway.address-refused", { address: `${url.protocol}//${url.host}`.slice(0, 200), reason });
  if (url.username !== "" || url.password !== "") throw refuse("it holds credentials");
  if (url.protocol !== "https:" && url.protocol !== "http:") throw refuse("it is not https");
  const host = hostOf(url);
  let addresses: readonly string[];
  try {
    addresses = await resolve(host);
  } catch {
    throw refuse("its name is not known");
  }
  if (addresses.length === 0) throw refuse("its name is not known");
  const isTrusted = trusted.includes(url.origin);
  for (const address of addresses) {
    const kind = addressClass(address);
    if (url.protocol === "http:" && kind !== "loopback") throw refuse("it is not https");
    if (kind === "metadata") throw refuse("it is an address of this machine's own surroundings");
    if (kind === "public" || isTrusted) continue;
    // Another origin of the same surroundings: a server on this machine may use an issuer on this machine.
    if (url.origin !== server.origin && (await ownClass()) !== kind) {
      throw refuse(`it is a ${kind} address, and the server is not at one`);
    }
  }
  return addresses;
}

/** Where a server is. One that only its name puts on this machine, or half of it, is taken for a public one. */
async function surroundingsOf(server: URL, resolve: Resolve): Promise<AddressClass> {
  const host = hostOf(server);
  const kinds = new Set((await resolve(host).catch(() => [])).map(addressClass));
  const [kind = "public"] = kinds;
  if (kinds.size !== 1) return "public";
  const saysLoopback = host === "localhost" || host.endsWith(".localhost") || isIP(host) !== 0;
  return kind === "loopback" && !saysLoopback ? "public" : kind;
}

async function send(
  url: URL,
  init: RequestInit,
  addresses: readonly string[],
  outer: AbortSignal | undefined,
  isProbe = false,
): Promise<Response> {
  const method = init.method ?? "GET";
  if (!METHODS.has(method)) throw new TypeError(`no ${method} is sent for a login`);
  const headers = Object.fromEntries(new Headers(init.headers));
  const body =
    init.body === undefined || init.body === null
      ? undefined
      : Buffer.from(await new Response(init.body).arrayBuffer());
  const request = url.protocol === "https:" ? httpsRequest : httpRequest;
  const signal = AbortSignal.any([AbortSignal.timeout(TIMEOUT_MS), ...(outer === undefined ? [] : [outer])]);
  return await new Promise((resolve, reject) => {
    const options = {
      method,
      signal,
      // What was looked at is what is connected to: a name may mean something else a moment later (DNS rebinding).
      lookup: pinned(addresses),
      agent: false as const,
      headers: { ...headers, ...(body === undefined ? {} : { "content-length": body.byteLength }) },
    };
    const asked = request(url, options, (answer) => {
      const content = isProbe ? Promise.resolve(Buffer.alloc(0)) : readBounded(answer, LIMIT_BYTES, "the answer");
      if (isProbe) answer.destroy();
      content.then((bytes) => {
        const status = answer.statusCode ?? 502;
        const text = status === 204 || status === 304 || bytes.byteLength === 0 ? null : new Uint8Array(bytes);
        const kept = ["content-type", "location", "www-authenticate", "dpop-nonce", "retry-after"].flatMap((name) => {
          const value = answer.headers[name];
          return typeof value === "string" ? [[name, value] as const] : [];
        });
        resolve(new Response(text, { status: status < 200 ? 502 : status, headers: Object.fromEntries(kept) }));
      }, reject);
    });
    asked.once("error", reject);
    asked.end(body);
  });
}

function pinned(addresses: readonly string[]): LookupFunction {
  const found: LookupAddress[] = addresses.map((address) => ({ address, family: isIP(address) }));
  return (_host, options, done) => {
    const [first] = found;
    if (options.all === true) done(null, found);
    else done(null, first?.address ?? "", first?.family ?? 4);
  };
}

function hostOf(url: URL): string {
  return url.hostname.startsWith("[") ? url.hostname.slice(1, -1) : url.hostname;
}

const systemAddresses: Resolve = async (host) => {
  if (isIP(host) !== 0) return [host];
  // RFC 6761 §6.3: these names are this machine, whatever a resolver says.
  if (host === "localhost" || host.endsWith(".localhost")) return ["127.0.0.1"];
  return await new Promise((resolve, reject) => {
    systemLookup(host, { all: true, verbatim: true }, (error, found) => {
      if (error === null) resolve(found.map(({ address }) => address));
      else reject(error);
    });
  });
};
