// What kind of place an address is, so that a server cannot send us where only we get to.
import { BlockList, isIP, isIPv4 } from "node:net";

/** metadata: where clouds keep the credentials of a machine, and what of a link is never meant. */
export type AddressClass = "public" | "private" | "loopback" | "metadata";

/** IANA special-purpose registries (RFC 6890), and what clouds use beside them. */
const RANGES: readonly (readonly [AddressClass, readonly string[]])[] = [
  [
    "metadata",
    [
      "0.0.0.0/8",
      "169.254.0.0/16",
      "100.100.100.200/32",
      "168.63.129.16/32",
      "192.0.0.0/24",
      "224.0.0.0/4",
      "240.0.0.0/4",
      "::/128",
      "fe80::/10",
      "fec0::/10",
      "ff00::/8",
      "fd00:ec2::/32",
      "fd20:ce::/32",
      "100::/64",
    ],
  ],
  ["loopback", ["127.0.0.0/8", "::1/128"]],
  [
    "private",
    [
      "10.0.0.0/8",
      "172.16.0.0/12",
      "192.168.0.0/16",
      "100.64.0.0/10",
      "198.18.0.0/15",
      "192.0.2.0/24",
      "198.51.100.0/24",
      "203.0.113.0/24",
      "fc00::/7",
      "2001:db8::/32",
    ],
  ],
];

const LISTS = RANGES.map(([kind, ranges]) => {
  const list = new BlockList();
  for (const range of ranges) {
    const [net = "", prefix = "0"] = range.split("/");
    list.addSubnet(net, Number(prefix), isIPv4(net) ? "ipv4" : "ipv6");
  }
  return [kind, list] as const;
});

/** `address` is an IP address without brackets and zone. */
export function addressClass(address: string): AddressClass {
  const inner = embeddedIPv4(address);
  if (inner !== undefined) return addressClass(inner);
  const family = isIP(address);
  if (family === 0) return "metadata";
  const found = LISTS.find(([, list]) => list.check(address, family === 4 ? "ipv4" : "ipv6"));
  return found?.[0] ?? "public";
}

/** IPv4 in IPv6: mapped and compatible (RFC 4291 §2.5.5), NAT64 (RFC 6052, 8215), 6to4 (RFC 3056). */
function embeddedIPv4(address: string): string | undefined {
  if (isIP(address) !== 6) return undefined;
  const groups = groupsOf(address);
  const [g0 = 0, g1 = 0, g2 = 0, g3 = 0, g4 = 0, g5 = 0, g6 = 0, g7 = 0] = groups;
  const isZeroTo5 = g0 === 0 && g1 === 0 && g2 === 0 && g3 === 0 && g4 === 0;
  const isMapped = isZeroTo5 && g5 === 0xffff;
  const isCompatible = isZeroTo5 && g5 === 0 && (g6 !== 0 || g7 > 1);
  if (isMapped || isCompatible || (g0 === 0x64 && g1 === 0xff9b)) return dotted(g6, g7);
  return g0 === 0x2002 ? dotted(g1, g2) : undefined;
}

function dotted(high: number, low: number): string {
  return [high >> 8, high & 0xff, low >> 8, low & 0xff].join(".");
}

function groupsOf(address: string): number[] {
  // The URL parser knows every way to write one, and gives the shortest of RFC 5952 without dots.
  const text = new URL(`http://[${address.split("%")[0]}]`).hostname.slice(1, -1);
  const [head = "", tail] = text.split("::");
  const parse = (part: string): number[] =>
    part === "" ? [] : part.split(":").map((group) => Number.parseInt(group, 16));
  const [before, after] = [parse(head), parse(tail ?? "")];
  return tail === undefined
    ? before
    : [...before, ...Array.from({ length: 8 - before.length - after.length }, () => 0), ...after];
}
