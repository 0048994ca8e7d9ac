// What an address is: only public ones are reached without being named.
import { isIP } from "node:net";
import ipaddr from "ipaddr.js";

export type AddressKind = "public" | "private" | "loopback" | "link-local" | "metadata" | "reserved";

/** Services that hand out a machine's credentials, by cloud; those on 169.254.0.0/16 and fd00::/8 beside the others. */
const METADATA = new Set([
  "169.254.169.254",
  "169.254.170.2",
  "169.254.170.23",
  "168.63.129.16",
  "100.100.100.200",
  "192.0.0.192",
  "fd00:ec2::254",
  "fd00:ec2::23",
  "fd20:ce::254",
]);

const KINDS: Readonly<Record<string, AddressKind>> = {
  unicast: "public",
  loopback: "loopback",
  linkLocal: "link-local",
  private: "private",
  uniqueLocal: "private",
  carrierGradeNat: "private",
};

const GLOBAL_UNICAST = ipaddr.IPv6.parseCIDR("2000::/3");
/** Obsolete, and still taken for the IPv4 address by some (RFC 4291 §2.5.5.1). */
const COMPATIBLE = ipaddr.IPv6.parseCIDR("::/96");

/** Kind of an address in its usual text form; what is no address is reserved. */
export function addressKind(address: string): AddressKind {
  const plain = address.replace(/%.*$/, "");
  if (isIP(plain) === 0) return "reserved";
  const parsed = ipaddr.process(plain);
  if (METADATA.has(parsed.toString())) return "metadata";
  if (parsed instanceof ipaddr.IPv6) {
    const inner = embedded(parsed);
    // Translated by a router on the way (RFC 6052, 3056, 4380): what it leads to counts.
    if (inner !== undefined) {
      const kind = addressKind(inner);
      return kind === "public" ? "reserved" : kind;
    }
  }
  // Of IPv6 only this much is given out (RFC 4291 §2.4, IANA).
  if (parsed instanceof ipaddr.IPv6 && parsed.range() === "unicast" && !parsed.match(GLOBAL_UNICAST)) return "reserved";
  return KINDS[parsed.range()] ?? "reserved";
}

function embedded(address: ipaddr.IPv6): string | undefined {
  const bytes = address.toByteArray();
  const dotted = (at: number): string => bytes.slice(at, at + 4).join(".");
  const range = address.range();
  if (range === "unicast" && address.match(COMPATIBLE)) return dotted(12);
  switch (range) {
    case "rfc6052":
    case "rfc6145":
      return dotted(12);
    case "6to4":
      return dotted(2);
    default:
      return undefined;
  }
}
