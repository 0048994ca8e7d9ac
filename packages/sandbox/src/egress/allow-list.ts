// The hosts that a server may reach, as its entry names them: `host:port`, `*.example.com:443`, `10.0.0.7:5432`.
import { isIP } from "node:net";
import { sandboxErrors } from "../errors.ts";

export interface HostPort {
  /** Lower case, in ASCII, without a final dot; an IPv6 address without brackets. */
  readonly host: string;
  readonly port: number;
}

const ANY = "*";

/** `host:port` or `[address]:port` as a place; undefined for anything else. */
export function parseHostPort(text: string, defaultPort?: number): HostPort | undefined {
  const [, bracketed, plain, digits] =
    /^(?:\[([^\]]{1,100})\]|([^:[\]@/?#\s]{1,255}))(?::(\d{1,5}))?$/.exec(text) ?? [];
  const name = bracketed ?? plain;
  const port = digits === undefined ? defaultPort : Number(digits);
  if (name === undefined || port === undefined || port < 1 || port > 65_535) return undefined;
  const host = hostName(bracketed === undefined ? name : `[${bracketed}]`);
  return host === undefined ? undefined : { host, port };
}

/** A name as everybody compares it. Odd spellings of addresses (`0x7f.1`) become the address that they mean. */
export function hostName(text: string): string | undefined {
  try {
    const { hostname, port, pathname, username } = new URL(`http://${text}`);
    if (port !== "" || pathname !== "/" || username !== "") return undefined;
    const host = hostname.replace(/^\[(.*)\]$/, "$1").replace(/\.$/, "");
    return host === "" || host.length > 253 ? undefined : host;
  } catch {
    return undefined;
  }
}

export class AllowList {
  readonly #exact = new Map<string, HostPort>();
  readonly #ports = new Map<string, Set<string>>();
  readonly #suffixes: { readonly suffix: string; readonly port: string }[] = [];

  /** @throws `egress.host-invalid` for an entry that is none */
  constructor(entries: readonly string[]) {
    for (const entry of entries) this.#add(entry);
  }

  allows({ host, port }: HostPort): boolean {
    if (this.names({ host, port }) || this.#fits(ANY, port)) return true;
    if (isIP(host) !== 0) return false;
    return this.#suffixes.some(
      ({ suffix, port: wanted }) => host.endsWith(suffix) && (wanted === ANY || wanted === String(port)),
    );
  }

  /** Whether an entry says this very host, and not a pattern that fits many. */
  names({ host, port }: HostPort): boolean {
    return this.#fits(host, port);
  }

  /** Those that name one host and one port: what can be reached without a proxy. */
  exact(): HostPort[] {
    return [...this.#exact.values()];
  }

  #fits(host: string, port: number): boolean {
    const ports = this.#ports.get(host);
    return ports !== undefined && (ports.has(String(port)) || ports.has(ANY));
  }

  #add(entry: string): void {
    const [, pattern = "", port = ""] = /^(\*|\*\.[^:*]+|[^*]+):(\d{1,5}|\*)$/.exec(entry.trim()) ?? [];
    const isWild = pattern.startsWith("*.");
    const name = pattern === ANY ? ANY : hostName(isWild ? pattern.slice(2) : pattern);
    if (name === undefined || port === "" || (port !== ANY && (Number(port) < 1 || Number(port) > 65_535))) {
      throw sandboxErrors("egress.host-invalid", { entry: entry.slice(0, 200) });
    }
    const number = port === ANY ? ANY : String(Number(port));
    if (isWild) {
      this.#suffixes.push({ suffix: `.${name}`, port: number });
      return;
    }
    this.#ports.set(name, (this.#ports.get(name) ?? new Set()).add(number));
    if (name !== ANY && number !== ANY) this.#exact.set(`${name} ${number}`, { host: name, port: Number(number) });
  }
}
