// Hosts that a container finds by name.
import { expect, it } from "vitest";
import type { SandboxNetwork } from "../sandbox.ts";
import { extraHosts, tunnels } from "./tunnels.ts";

const network = (...hosts: [string, number][]): SandboxNetwork => ({
  hosts: hosts.map(([host, port]) => ({ host, port })),
  handle: () => undefined,
  close: () => undefined,
});

it("gives each name one address of loopback, and loopback its own", () => {
  const made = network(
    ["a.example", 443],
    ["b.example", 443],
    ["a.example", 80],
    ["localhost", 5432],
    ["127.0.0.1", 99],
  );
  expect(tunnels(made).map(({ host, port, address }) => `${host}:${port} ${address}`)).toEqual([
    "a.example:443 127.77.0.1",
    "b.example:443 127.77.0.2",
    "a.example:80 127.77.0.1",
    "localhost:5432 127.0.0.1",
    "127.0.0.1:99 127.0.0.1",
  ]);
  expect(extraHosts(made)).toEqual(["a.example:127.77.0.1", "b.example:127.77.0.2"]);
});

it("leaves other addresses to the proxy, and has an end", () => {
  expect(tunnels(network(["10.0.0.7", 5432], ["::1", 80]))).toEqual([]);
  const many = Array.from({ length: 300 }, (_, at): [string, number] => [`h${at}.example`, 443]);
  expect(tunnels(network(...many))).toHaveLength(250);
});
