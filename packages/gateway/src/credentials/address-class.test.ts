import { expect, it } from "vitest";
import { addressClass, type AddressClass } from "./address-class.ts";

it.each<[AddressClass, string[]]>([
  ["public", ["93.184.216.34", "2606:2800:220:1::1", "64:ff9b::5db8:d822", "172.32.0.1"]],
  [
    "private",
    ["10.1.2.3", "172.31.255.255", "192.168.0.1", "100.64.0.1", "fd12::1", "::ffff:10.0.0.1", "2002:0a00:1::"],
  ],
  ["loopback", ["127.0.0.1", "127.255.0.9", "::1", "::ffff:127.0.0.1", "::ffff:7f00:1", "64:ff9b::7f00:1"]],
  [
    "metadata",
    [
      "169.254.169.254",
      "::ffff:169.254.169.254",
      "::a9fe:a9fe",
      "64:ff9b::a9fe:a9fe",
      "2002:a9fe:a9fe::1",
      "fe80::1",
      "fd00:ec2::254",
      "100.100.100.200",
      "168.63.129.16",
      "0.0.0.0",
      "::",
      "255.255.255.255",
      "224.0.0.1",
      "no address",
    ],
  ],
])("knows what is %s", (kind, addresses) => {
  expect(Object.fromEntries(addresses.map((address) => [address, addressClass(address)]))).toEqual(
    Object.fromEntries(addresses.map((address) => [address, kind])),
  );
});
