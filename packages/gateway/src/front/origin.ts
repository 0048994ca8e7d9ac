// DNS rebinding: a web page that points its own name at this machine sends that name as Host, and its address as Origin.

const LOOPBACK = new Set(["localhost", "127.0.0.1", "[::1]"]);

/** What is foreign about a request, or undefined when it may come in. `hosts` are names without port. */
export function foreignOrigin(
  headers: { readonly host?: string | undefined; readonly origin?: string | undefined },
  hosts: readonly string[],
): string | undefined {
  const allowed = (name: string): boolean => LOOPBACK.has(name) || hosts.includes(name);
  const host = hostnameOf(`http://${headers.host ?? ""}`);
  if (host === undefined || !allowed(host)) return headers.host ?? "a request without Host";
  if (headers.origin === undefined) return undefined;
  const origin = hostnameOf(headers.origin);
  return origin === undefined || !allowed(origin) ? headers.origin : undefined;
}

function hostnameOf(url: string): string | undefined {
  return URL.canParse(url) ? new URL(url).hostname : undefined;
}
