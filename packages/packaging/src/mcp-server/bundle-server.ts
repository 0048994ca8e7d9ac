// The server's entry point and all it imports, as one file; and which npm packages went into it.
import { realpath } from "node:fs/promises";
import { isBuiltin } from "node:module";
import { isAbsolute, relative, sep } from "node:path";
import { packagingErrors } from "../errors.ts";
import { isInstalledPackage, packageFinder, type NpmPackage } from "./npm-package.ts";
import { bundleEntry, type BundleEntry, type RawBundle } from "./raw-bundle.ts";

export interface ServerBundle {
  readonly code: string;
  /** Packages with code in the bundle, by name and version. */
  readonly packages: readonly BundledPackage[];
  /** The server's own files in the bundle, relative to its directory. */
  readonly sources: readonly string[];
}

export interface BundledPackage extends NpmPackage {
  /** Those of its files that went in, absolute. */
  readonly files: readonly string[];
}

const LIMIT_BUNDLE = 64 * 1024 * 1024;

/**
 * Bundles a server. Nothing of it is run.
 * @throws `mcp-server.bundle-failed`, also when it reaches for files that are neither its own nor an installed package's
 */
export async function bundleServer(
  directory: string,
  entry: string,
  bundle: BundleEntry = bundleEntry,
): Promise<ServerBundle> {
  const root = await realpath(directory);
  const fail = (reason: string, cause?: unknown) =>
    packagingErrors("mcp-server.bundle-failed", { entry, reason: reason.slice(0, 500) }, { cause });
  let raw: RawBundle;
  try {
    raw = await bundle(root, entry);
  } catch (error) {
    throw fail(
      error instanceof Error ? (error.message.split("\n").find((line) => line.trim() !== "") ?? "") : String(error),
      error,
    );
  }
  if (raw.code.length > LIMIT_BUNDLE) throw fail("the bundle is larger than 64 MiB");
  const missing = raw.imports.find((name) => !isBuiltin(name));
  if (missing !== undefined) throw fail(`it imports \`${missing}\`, which is not installed`);
  return { code: raw.code, ...(await originsOf(root, raw.modules, fail)) };
}

async function originsOf(
  root: string,
  moduleIds: readonly string[],
  fail: (reason: string) => Error,
): Promise<Pick<ServerBundle, "packages" | "sources">> {
  const packageOf = packageFinder();
  const packages = new Map<string, NpmPackage & { readonly files: string[] }>();
  const sources: string[] = [];
  for (const id of moduleIds) {
    const file = id.replace(/^\0/, "").replace(/[?#].*$/, "");
    if (!isAbsolute(file)) continue; // the bundler's own runtime
    const inside = relative(root, file);
    const isOwn = !inside.startsWith(`..${sep}`) && !isAbsolute(inside) && !inside.split(sep).includes("node_modules");
    if (isOwn) {
      sources.push(inside.split(sep).join("/"));
      continue;
    }
    const found = await packageOf(file);
    if (found === undefined) throw fail(`it imports ${file}, which lies outside of its directory`);
    const key = `${found.name}@${found.version}`;
    const known = packages.get(key);
    if (known !== undefined) {
      known.files.push(file);
      continue;
    }
    // A file outside counts only as part of a package that is installed for this server, linked or not.
    if (!(await isInstalledPackage(root, found)))
      throw fail(`it imports ${file}, which is neither its own nor an installed package's`);
    packages.set(key, { ...found, files: [file] });
  }
  const byKey = [...packages].sort(([a], [b]) => (a < b ? -1 : 1));
  return { packages: byKey.map(([, found]) => found), sources: sources.sort() };
}
