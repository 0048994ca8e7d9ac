// DNS rebinding: a web page that points its own name at this machine sends that name as Host, and its address as Origin.

const LOOPBACK = new Set(["localhost", "127.0.0.1", "[::1]"]);
/** Pairs of Host and Origin that were found good: few clients have many. */
const REMEMBERED = 200;

interface OriginHeaders {
  readonly host?: string | undefined;
  readonly origin?: string | undefined;
}

/** What is foreign about a request, or undefined when it may come in. `hosts` are names without port. */
export function foreignOrigin(headers: OriginHeaders, hosts: readonly string[]): string | undefined {
  const allowed = (name: string): boolean => LOOPBACK.has(name) || hosts.includes(name);
  const host = hostnameOf(`http://${headers.host ?? ""}`);
  if (host === undefined || !allowed(host)) return headers.host ?? "a request without Host";
  if (headers.origin === undefined) return undefined;
  const origin = hostnameOf(headers.origin);
  return origin === undefined || !allowed(origin) ? headers.origin : undefined;
}

/** `foreignOrigin` that knows the good ones again: parsing two URLs costs more than all the rest of a look at a request. */
export function originCheck(hosts: readonly string[]): (headers: OriginHeaders) => string | undefined {
  const good = new Set<string>();
  return (headers) => {
    const key = `${headers.host ?? ""} ${headers.origin ?? ""}`;
    if (good.has(key)) return undefined;
    const foreign = foreignOrigin(headers, hosts);
    if (foreign === undefined && key.length < 200 && good.size < REMEMBERED) good.add(key);
    return foreign;
  };
}

function hostnameOf(url: string): string | undefined {
  return URL.canParse(url) ? new URL(url).hostname : undefined;
}
