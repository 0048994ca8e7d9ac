// A server that is published as an npm package: its tree as npm lays it out, with no script run.
import { join } from "node:path";
import type { SbomComponent } from "@pratique/sbom";
import type { Material } from "../artifact-plan.ts";
import type { CanonicalFile } from "../canonical/canonical-artifact.ts";
import { packagingErrors } from "../errors.ts";
import { listFiles, readSmallFile } from "../source-files.ts";
import { diskFile, textFile } from "./canonical-files.ts";
import type { FoundServer, ServerRole } from "./canonical-server.ts";
import { describedBy, type Describes } from "./described-by.ts";
import { installedPackages, withInstalled } from "./installed-packages.ts";
import { npmInstall, writeNpmRoot } from "./npm-install.ts";
import type { LockedPackage } from "./npm-lock.ts";
import { npmPurl } from "./npm-package.ts";
import { PACKAGE_JSON_LIMIT, parsePackageJson, type PackageJson } from "./package-json.ts";
import { serverJsonOfPackage } from "./server-from-directory.ts";
import type { ServerTools } from "./server-tools.ts";
import { openStaging } from "./staging.ts";

export const TREE_LIMITS = {
  kind: "mcp-server",
  maxFiles: 100_000,
  maxBytes: 1024 * 1024 * 1024,
  /** Links to commands, which nothing in the image calls. */
  exclude: new Set([".bin", ".cache"]),
} as const;

/** @throws `mcp-server.fetch-failed`, `mcp-server.unverifiable`, `mcp-server.no-entry` */
export async function serverFromNpm(
  wanted: { readonly name: string; readonly version: string; readonly describes?: Describes | undefined },
  tools: ServerTools,
): Promise<FoundServer> {
  const { name, version } = wanted;
  const source = `npm:${name}@${version}`;
  const staging = await openStaging(tools.cacheDirectory);
  try {
    const { directory } = staging;
    await writeNpmRoot(directory, name, version);
    const { runCommand, architecture, npmRegistry } = tools;
    const { packages, lock } = await npmInstall(source, { runCommand, architecture, registry: npmRegistry, directory });
    const home = `node_modules/${name}`;
    const manifest = parsePackageJson(
      (
        await readSmallFile(
          { absolute: join(directory, home, "package.json"), path: "package.json" },
          PACKAGE_JSON_LIMIT,
        )
      ).toString("utf8"),
    );
    const entry = commandOf(manifest);
    if (entry === undefined) throw packagingErrors("mcp-server.no-entry", { directory: source });
    const made = (): string => serverJsonOfPackage({ ...manifest, name, version }) ?? "";
    const described = describedBy(wanted.describes, { source, stated: manifest.mcpName }, made);
    const evidence = npmEvidence(packages);
    return {
      server: {
        kind: "mcp-server",
        name: described.server.name,
        version: described.server.version,
        description: described.server.description,
        files: [
          ...(await treeFiles(
            directory,
            "app",
            (path) => path.startsWith(`${home}/`) && !path.startsWith(`${home}/node_modules/`),
          )),
          textFile("app/package-lock.json", "description", lock),
          textFile("app/server.json", "description", described.serverJson),
        ],
        metadata: {
          runtime: "node",
          args: [`/app/${home}/${entry}`, ...described.args],
          env: described.env,
          transport: described.transport,
          serverJson: described.serverJson.toString("utf8"),
          ...(manifest.licence === undefined ? {} : { licence: manifest.licence }),
        },
        annotations: {},
        foreign: {},
      },
      ...evidence,
      components: withInstalled(evidence.components, await installedPackages(directory, "app")),
      layout: "node_modules",
      notes: [...described.notes, ...scriptNotes(packages)],
      close: () => staging.close(),
    };
  } catch (error) {
    await staging.close();
    throw error;
  }
}

/** `npx` would run the command of the package's own name, or the only one; a package without one is a library. */
function commandOf({ name = "", commands }: PackageJson): string | undefined {
  const short = name.replace(/^@[^/]+\//, "");
  return commands[short] ?? Object.values(commands)[0];
}

/** The files of an installed tree, less what only installing needs. */
export async function treeFiles(
  directory: string,
  below: string,
  isOwn: (path: string) => boolean,
): Promise<CanonicalFile<ServerRole>[]> {
  const files: CanonicalFile<ServerRole>[] = [];
  for (const file of await listFiles(directory, TREE_LIMITS)) {
    if (!file.path.startsWith("node_modules/") || file.path === "node_modules/.package-lock.json") continue;
    files.push(await diskFile(file, `${below}/${file.path}`, isOwn(file.path) ? "app" : "dependency"));
  }
  return files;
}

export function npmEvidence(packages: readonly LockedPackage[]): {
  components: readonly SbomComponent[];
  materials: readonly Material[];
} {
  const components = new Map<string, SbomComponent>();
  const materials = new Map<string, Material>();
  for (const { name, version, licence, digest } of packages) {
    const purl = npmPurl(name, version);
    const licences = licence === undefined ? {} : { licences: [licence] };
    components.set(purl, { type: "library", name, version, purl, ...licences });
    if (Object.keys(digest).length > 0) materials.set(purl, { uri: purl, digest, name: `${name} ${version}` });
  }
  return { components: [...components.values()], materials: [...materials.values()] };
}

export function scriptNotes(packages: readonly LockedPackage[]): string[] {
  return packages
    .filter(({ hasInstallScript, isOptional }) => hasInstallScript && !isOptional)
    .map(
      ({ name, version }) => `${name} ${version} has an install script, which was not run: parts of it may be missing`,
    );
}
