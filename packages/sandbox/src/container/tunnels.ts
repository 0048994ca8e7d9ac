// Hosts that a container finds by name: each has an address of loopback inside, where the first process listens for it.
import { isIP, isIPv4 } from "node:net";
import type { HostPort } from "../egress/allow-list.ts";
import type { SandboxNetwork } from "../sandbox.ts";

export interface Tunnel extends HostPort {
  /** Inside. */
  readonly address: string;
}

/** As many as the first process opens, beside the proxy. */
const LIMIT = 250;

/** Their order is that of the numbers by which the first process calls them, from 1. */
export function tunnels({ hosts }: SandboxNetwork): Tunnel[] {
  const addresses = new Map<string, string>();
  const found: Tunnel[] = [];
  for (const place of hosts) {
    const { host } = place;
    // Any other address has no way inside but the proxy.
    if (isIP(host) !== 0 && !(isIPv4(host) && host.startsWith("127."))) continue;
    const next = `127.77.${addresses.size >> 8}.${(addresses.size & 255) + 1}`;
    const address = isIP(host) !== 0 ? host : host === "localhost" ? "127.0.0.1" : (addresses.get(host) ?? next);
    if (address === next) addresses.set(host, address);
    if (found.length < LIMIT) found.push({ ...place, address });
  }
  return found;
}

/** Lines of /etc/hosts, as an engine takes them. */
export function extraHosts(network: SandboxNetwork): string[] {
  const named = tunnels(network).filter(({ host }) => isIP(host) === 0 && host !== "localhost");
  return [...new Set(named.map(({ host, address }) => `${host}:${address}`))];
}
