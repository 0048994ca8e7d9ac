// What npm resolved: each package with where it comes from and its checksum, all of it from the registry.
import { parseJson } from "@pratique/core";
import { z } from "zod";
import { packagingErrors } from "../errors.ts";

const LIMIT_PACKAGES = 5000;
export const LIMIT_LOCK = 32 * 1024 * 1024;

const Entry = z.looseObject({
  name: z.string().optional(),
  version: z.string().max(255).optional(),
  resolved: z.string().max(4096).optional(),
  integrity: z.string().max(4096).optional(),
  license: z.unknown().optional(),
  link: z.boolean().optional(),
  inBundle: z.boolean().optional(),
  hasInstallScript: z.boolean().optional(),
  optional: z.boolean().optional(),
});
const Lock = z.looseObject({ lockfileVersion: z.int().min(2), packages: z.record(z.string(), Entry) });

export interface LockedPackage {
  /** Where it lies: `node_modules/a/node_modules/b`. */
  readonly path: string;
  readonly name: string;
  readonly version: string;
  readonly licence: string | undefined;
  /** Algorithm → hexadecimal; empty for what lies inside of another package's archive. */
  readonly digest: Readonly<Record<string, string>>;
  readonly hasInstallScript: boolean;
  readonly isOptional: boolean;
}

/**
 * Checks a lock: everything in it must come from the registry, with a checksum. A dependency that is a git repository,
 * a URL or a path has none.
 * @throws `mcp-server.unverifiable`
 */
export function parseNpmLock(text: string, source: string): LockedPackage[] {
  const parsed = Lock.safeParse(parseJson(text, "package-lock.json"));
  if (!parsed.success) {
    throw packagingErrors("mcp-server.fetch-failed", { source, reason: "npm wrote no lock of version 2 or 3" });
  }
  const entries = Object.entries(parsed.data.packages).filter(([path]) => path !== "");
  const refuse = (dependency: string, reason: string): Error =>
    packagingErrors("mcp-server.unverifiable", { source, dependency, reason });
  if (entries.length > LIMIT_PACKAGES) throw refuse("its tree", `it has more than ${LIMIT_PACKAGES} packages`);
  return entries.map(([path, entry]) => {
    const own = path.slice(path.lastIndexOf("node_modules/") + "node_modules/".length);
    const { name = own, version = "", resolved, integrity, license } = entry;
    if (entry.link === true || !path.startsWith("node_modules/")) throw refuse(name, "it is a link to a directory");
    const digest = entry.inBundle === true ? {} : digestOfIntegrity(integrity);
    if (entry.inBundle !== true) {
      // npm was told to leave out where packages of the registry come from: what says it, comes from elsewhere.
      if (resolved !== undefined) throw refuse(name, "it is not from the registry");
      if (Object.keys(digest).length === 0) throw refuse(name, "it has no checksum");
    }
    return {
      path,
      name,
      version,
      licence: typeof license === "string" ? license : undefined,
      digest,
      hasInstallScript: entry.hasInstallScript === true,
      isOptional: entry.optional === true,
    };
  });
}

/** Subresource integrity (W3C SRI §3): the strongest of the hashes that are named. sha1 is no checksum any more. */
function digestOfIntegrity(integrity: string | undefined): Record<string, string> {
  for (const algorithm of ["sha512", "sha384", "sha256"]) {
    const match = new RegExp(`(?:^|\\s)${algorithm}-([A-Za-z0-9+/]+={0,2})(?:[?\\s]|$)`).exec(integrity ?? "");
    if (match?.[1] !== undefined) return { [algorithm]: Buffer.from(match[1], "base64").toString("hex") };
  }
  return {};
}
