// Which of the packages that a server.json names is packed.
import { packagingErrors } from "../errors.ts";
import type { ServerJson, ServerPackage } from "./server-json.schema.ts";

/**
 * In this order: what becomes a minimal image of its own, with every part checked; what is pinned by a checksum; what is
 * an image already, with whatever its builder put in.
 */
const ORDER: readonly string[] = ["npm", "pypi", "mcpb", "oci"];

/** @throws `mcp-server.remote-only`, `mcp-server.source-invalid` with why no package will do */
export function choosePackage(server: ServerJson, source: string): ServerPackage {
  const { name, packages, remotes } = server;
  const isStdio = ({ transport }: ServerPackage): number => ((transport?.type ?? "stdio") === "stdio" ? 0 : 1);
  const rank = (one: ServerPackage): number => ORDER.indexOf(one.registryType ?? "");
  const [best] = packages
    .filter((one) => rank(one) !== -1 && one.identifier !== undefined)
    .sort((a, b) => isStdio(a) - isStdio(b) || rank(a) - rank(b));
  if (best !== undefined) return best;
  const [remote] = remotes;
  if (packages.length === 0 && remote !== undefined) {
    throw packagingErrors("mcp-server.remote-only", { name, url: remote.url });
  }
  const types = [...new Set(packages.map(({ registryType = "unknown" }) => registryType))].join(", ");
  const reason = types === "" ? "it names no package" : `its packages are ${types}; taken are ${ORDER.join(", ")}`;
  throw packagingErrors("mcp-server.source-invalid", { source, reason });
}
