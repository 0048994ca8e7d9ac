// What a probe in a container says of itself, and whether that is what was asked for.
import { sandboxErrors } from "../errors.ts";

export interface Confinement {
  /** Users inside are nobody outside. */
  readonly hasUserNamespace: boolean;
  /** Our files and socket reach a container, so that it can have network, secrets and a port. */
  readonly hasGuestFiles: boolean;
}

/** ENETUNREACH and EACCES: there is no route, or not even the right to ask for one. */
const NO_ROUTE = new Set(["-101", "-13", "-1"]);
const FILTER = "2";

/** @throws `engine.unusable` when a container may do more than a sandbox */
export function readConfinement(text: string): Confinement {
  const facts = new Map(
    text.split("\n").map((line) => {
      const [name = "", ...rest] = line.split(":");
      return [name, rest.join(":").trim().replaceAll(/\s+/g, " ")] as const;
    }),
  );
  const require = (name: string, isGood: (value: string) => boolean, what: string): void => {
    const value = facts.get(name) ?? "nothing";
    if (!isGood(value))
      throw sandboxErrors("engine.unusable", { reasons: `its containers ${what} (${name}: ${value})` });
  };
  require("Seccomp", (value) => value === FILTER, "run without a system call filter");
  require("NoNewPrivs", (value) => value === "1", "may gain privileges");
  require("CapEff", (value) => /^0+$/.test(value), "have capabilities");
  require("CapBnd", (value) => /^0+$/.test(value), "may get capabilities");
  require("Uid", (value) => value.split(" ").every((id) => Number(id) > 0), "run as root");
  require("Away", (value) => NO_ROUTE.has(value), "reach a network that they were not given");
  return { hasUserNamespace: !isWholeMap(facts.get("UidMap") ?? ""), hasGuestFiles: facts.get("Host") === "1" };
}

/** `0 0 4294967295`: every user inside is the same outside (user_namespaces(7)). */
function isWholeMap(map: string): boolean {
  return map === "" || /^0 0 4294967295$/.test(map);
}
