// Resolves a host here, once, and says which of its addresses may be connected to: what was checked is what is reached.
import { lookup } from "node:dns/promises";
import { isIP } from "node:net";
import ipaddr from "ipaddr.js";
import { addressKind, type AddressKind } from "./address-kind.ts";

export interface CheckedAddress {
  readonly address: string;
  readonly kind: AddressKind;
  /** Not public, but somebody named it: the address itself or `localhost` in an entry, or a network of the configuration. */
  readonly named: boolean;
}

/** Addresses of a host, in the order in which they are to be tried. */
export type Resolver = (host: string) => Promise<readonly string[]>;

/** The resolver of this machine. */
export const systemResolver: Resolver = async (host) =>
  (await lookup(host, { all: true, verbatim: true })).map(({ address }) => address);

const ADDRESSES = 16;

/**
 * Those that may be connected to; when there are none, the first one, so that it can be said why.
 * @param isListed an entry says this very host; one that only the server itself says is named by nobody
 */
export async function checkedAddresses(
  host: string,
  resolver: Resolver,
  networks: readonly string[],
  isListed: boolean,
): Promise<CheckedAddress[]> {
  const addresses = isIP(host) === 0 ? await resolver(host) : [host];
  const checked = addresses.slice(0, ADDRESSES).map((address): CheckedAddress => {
    const kind = addressKind(address);
    const isItself = isListed && (isIP(host) !== 0 || (host === "localhost" && kind === "loopback"));
    const isNamed = isItself || networks.some((it) => isIn(address, it));
    // A metadata service gives away the machine's own credentials: only its very address names it.
    return { address, kind, named: kind !== "public" && (kind === "metadata" ? isItself : isNamed) };
  });
  const usable = checked.filter(({ kind, named }) => kind === "public" || named);
  return usable.length > 0 ? usable : checked.slice(0, 1);
}

function isIn(address: string, network: string): boolean {
  const parsed = ipaddr.process(address);
  const [base, bits] = ipaddr.parseCIDR(network);
  return parsed.kind() === base.kind() && parsed.match([base, bits]);
}
