// The server's entry point and all it imports, as one file; and which npm packages went into it.
import { realpath } from "node:fs/promises";
import { isBuiltin } from "node:module";
import { isAbsolute, relative, sep } from "node:path";
import { isPratiqueError } from "@pratique/core";
import { packagingErrors } from "../errors.ts";
import { isInstalledPackage, packageFinder, type NpmPackage } from "./npm-package.ts";

export interface ServerBundle {
  readonly code: string;
  /** Packages with code in the bundle, by name and version. */
  readonly packages: readonly NpmPackage[];
  /** The server's own files in the bundle, relative to its directory. */
  readonly sources: readonly string[];
}

const LIMIT_BUNDLE = 64 * 1024 * 1024;

/** CommonJS packages in the bundle may ask for `require`; an ES module has none of its own. */
const BANNER =
  'import { createRequire as __pratiqueCreateRequire } from "node:module";\nconst require = __pratiqueCreateRequire(import.meta.url);';

/**
 * Bundles a server. Nothing of it is run.
 * @throws `mcp-server.bundle-failed`, also when it reaches for files that are neither its own nor an installed package's
 */
export async function bundleServer(directory: string, entry: string): Promise<ServerBundle> {
  const root = await realpath(directory);
  const fail = (reason: string, cause?: unknown) =>
    packagingErrors("mcp-server.bundle-failed", { entry, reason: reason.slice(0, 500) }, { cause });
  const { rolldown } = await import("rolldown");
  try {
    const build = await rolldown({
      input: `${root}/${entry}`,
      cwd: root,
      platform: "node",
      tsconfig: false,
      experimental: { attachDebugInfo: "none" },
      logLevel: "silent",
      onLog(_level, log) {
        // An import that is not found would only fail when the server runs, inside its sandbox.
        if (log.code === "UNRESOLVED_IMPORT") throw fail(log.message);
      },
    });
    try {
      const { output } = await build.generate({
        format: "esm",
        codeSplitting: false,
        sourcemap: false,
        entryFileNames: "server.mjs",
        banner: BANNER,
      });
      const [chunk, ...others] = output;
      if (others.length > 0) throw fail(`it needs other files at run time: ${others[0]?.fileName ?? ""}`);
      if (chunk.code.length > LIMIT_BUNDLE) throw fail("the bundle is larger than 64 MiB");
      const missing = [...chunk.imports, ...chunk.dynamicImports].find((name) => !isBuiltin(name));
      if (missing !== undefined) throw fail(`it imports \`${missing}\`, which is not installed`);
      const modules = Object.entries(chunk.modules).filter(([, { renderedLength }]) => renderedLength > 0);
      return {
        code: chunk.code,
        ...(await originsOf(
          root,
          modules.map(([id]) => id),
          fail,
        )),
      };
    } finally {
      await build.close();
    }
  } catch (error) {
    if (isPratiqueError(error)) throw error;
    throw fail(
      error instanceof Error ? (error.message.split("\n").find((line) => line.trim() !== "") ?? "") : String(error),
      error,
    );
  }
}

async function originsOf(
  root: string,
  moduleIds: readonly string[],
  fail: (reason: string) => Error,
): Promise<Pick<ServerBundle, "packages" | "sources">> {
  const packageOf = packageFinder();
  const packages = new Map<string, NpmPackage>();
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
    if (packages.has(key)) continue;
    // A file outside counts only as part of a package that is installed for this server, linked or not.
    if (!(await isInstalledPackage(root, found)))
      throw fail(`it imports ${file}, which is neither its own nor an installed package's`);
    packages.set(key, found);
  }
  const byKey = [...packages].sort(([a], [b]) => (a < b ? -1 : 1));
  return { packages: byKey.map(([, found]) => found), sources: sources.sort() };
}
