// What addresses are.
import { expect, it } from "vitest";
import { addressKind } from "./address-kind.ts";

it.each([
  ["8.8.8.8", "public"],
  ["2606:4700::1111", "public"],
  ["127.0.0.1", "loopback"],
  ["127.77.1.2", "loopback"],
  ["::1", "loopback"],
  ["::ffff:127.0.0.1", "loopback"],
  ["::ffff:7f00:1", "loopback"],
  ["10.1.2.3", "private"],
  ["172.31.255.255", "private"],
  ["192.168.0.1", "private"],
  ["100.64.0.1", "private"],
  ["fd12::1", "private"],
  ["::ffff:10.0.0.1", "private"],
  ["169.254.1.1", "link-local"],
  ["fe80::1", "link-local"],
  ["fe80::1%eth0", "link-local"],
  ["169.254.169.254", "metadata"],
  ["::ffff:169.254.169.254", "metadata"],
  ["fd00:ec2::254", "metadata"],
  ["168.63.129.16", "metadata"],
  ["100.100.100.200", "metadata"],
  ["64:ff9b::a9fe:a9fe", "metadata"],
  ["64:ff9b::a00:1", "private"],
  ["2002:7f00:1::", "loopback"],
  ["0.0.0.0", "reserved"],
  ["::", "reserved"],
  ["255.255.255.255", "reserved"],
  ["224.0.0.1", "reserved"],
  ["ff02::1", "reserved"],
  ["203.0.113.5", "reserved"],
  ["240.0.0.1", "reserved"],
  ["2001:db8::1", "reserved"],
  ["not an address", "reserved"],
  ["", "reserved"],
])("%s is %s", (address, kind) => {
  expect(addressKind(address)).toBe(kind);
});
