// An MCP bundle (.mcpb): what it brings, on the base that its type needs. Nothing of it is run.
import { basename, join } from "node:path";
import { hexOf } from "@pratique/core";
import { pathProblem } from "../archive/entry-path.ts";
import type { CanonicalFile } from "../canonical/canonical-artifact.ts";
import { packagingErrors } from "../errors.ts";
import { digestOfFile } from "../file-layer.ts";
import { listFiles, readSmallFile } from "../source-files.ts";
import type { PythonTarget } from "./base-image.ts";
import { diskFile, textFile } from "./canonical-files.ts";
import type { FoundServer, Runtime, ServerRole } from "./canonical-server.ts";
import { describedBy, type Describes } from "./described-by.ts";
import { readElf } from "./elf-file.ts";
import { makeServerJson, nameOfPackage } from "./made-server-json.ts";
import { installedPackages } from "./installed-packages.ts";
import { copyUnsigned } from "./mcpb-file.ts";
import { requireWholeSignature } from "./mcpb-signature.ts";
import { BUNDLE_ROOT, mcpbStart } from "./mcpb-start.ts";
import { LIMIT_MANIFEST, parseMcpbManifest, type McpbManifest } from "./mcpb.schema.ts";
import { parseProject } from "./python-directory.ts";
import { fetchWheels } from "./python-wheels.ts";
import type { ServerTools } from "./server-tools.ts";
import { openStaging } from "./staging.ts";
import { unpackWheels, WHEEL_LIMITS } from "./wheel-files.ts";
import { unpackZip } from "./unpack-zip.ts";

const BELOW = BUNDLE_ROOT.slice(1);
const LIMITS = { kind: "mcp-server", maxFiles: WHEEL_LIMITS.maxEntries, maxBytes: WHEEL_LIMITS.maxBytes } as const;

export interface OpenBundle {
  readonly path: string;
  readonly directory: string;
  readonly staging: string;
  readonly manifest: McpbManifest;
  readonly runtime: Runtime;
  readonly sha256: string;
  readonly isSigned: boolean;
  close(): Promise<void>;
}

/** Unpacks a bundle. @throws `mcpb.invalid`, `archive.*`, `mcp-server.source-invalid` */
export async function openBundle(path: string, cacheDirectory: string): Promise<OpenBundle> {
  const staging = await openStaging(cacheDirectory);
  try {
    const archive = join(staging.directory, "bundle.zip");
    const isSigned = await copyUnsigned(path, archive).catch((cause: unknown) => {
      throw packagingErrors("mcp-server.source-invalid", { source: path, reason: "it cannot be read" }, { cause });
    });
    const directory = join(staging.directory, "bundle");
    const written = new Set((await unpackZip(archive, directory, WHEEL_LIMITS)).map((file) => file.path));
    if (!written.has("manifest.json"))
      throw packagingErrors("mcpb.invalid", { path, reason: "it has no manifest.json" });
    const file = { absolute: join(directory, "manifest.json"), path: "manifest.json" };
    const manifest = parseMcpbManifest(await readSmallFile(file, LIMIT_MANIFEST), path);
    const { type, entryPoint } = manifest;
    if (pathProblem(entryPoint) !== undefined || !written.has(entryPoint)) {
      throw packagingErrors("mcpb.invalid", { path, reason: `its entry point ${entryPoint} is not in it` });
    }
    const sha256 = hexOf(await digestOfFile({ absolute: path, path }));
    if (isSigned) await requireWholeSignature(path);
    const runtime = type === "node" ? "node" : type === "binary" ? "native" : "python";
    return {
      path,
      directory,
      staging: staging.directory,
      manifest,
      runtime,
      sha256,
      isSigned,
      close: () => staging.close(),
    };
  } catch (error) {
    await staging.close();
    throw error;
  }
}

/** @throws `mcpb.invalid`, and for a `uv` bundle what fetching wheels throws */
export async function serverFromMcpb(
  bundle: OpenBundle,
  o: { architecture: string; python: PythonTarget | undefined; describes?: Describes | undefined },
  tools: ServerTools,
): Promise<FoundServer> {
  const { manifest, directory, path, sha256 } = bundle;
  const { entryPoint, type } = manifest;
  const start = mcpbStart(manifest);
  const described = describedBy(o.describes, { source: path, stated: o.describes?.server.name }, () =>
    makeServerJson({
      name: nameOfPackage("dev.pratique.local", manifest.name),
      title: manifest.displayName,
      description: manifest.description,
      version: manifest.version,
      package: {
        registryType: "mcpb",
        identifier: basename(path),
        version: manifest.version,
        fileSha256: sha256,
        ...start.inputs,
      },
    }),
  );
  if (type === "binary") await checkBinary(join(directory, entryPoint), path, o.architecture);
  const wheels = type === "uv" ? await uvWheels(bundle, o.python, tools) : undefined;
  const program = `${BUNDLE_ROOT}/${entryPoint}`;
  const found = await listFiles(directory, LIMITS);
  const brought = type === "uv" ? [] : await installedPackages(directory, BELOW);
  const files: CanonicalFile<ServerRole>[] = [];
  for (const file of found) {
    const role = /(?:^|\/)(?:node_modules|site-packages|lib)\//.test(file.path) ? "dependency" : "app";
    const one = await diskFile(file, `${BELOW}/${file.path}`, role);
    files.push(file.path === entryPoint ? { ...one, mode: 0o755 } : one);
  }
  const env =
    bundle.runtime === "python"
      ? withPythonPath(
          described.env,
          found.map((file) => file.path),
        )
      : described.env;
  // `node ${__dirname}/x --flag`: the runtime is the base's. Without arguments the entry point says it all.
  const args = start.args.length === 0 || type === "uv" ? [program] : start.args;
  return {
    server: {
      kind: "mcp-server",
      name: described.server.name,
      version: described.server.version,
      description: described.server.description,
      files: [...files, ...(wheels?.files ?? []), textFile("app/server.json", "description", described.serverJson)],
      metadata: {
        runtime: bundle.runtime,
        args: type === "binary" ? [program, ...start.args] : args.map((arg) => inBundle(arg, found)),
        env,
        transport: { type: "stdio" },
        serverJson: described.serverJson.toString("utf8"),
        ...(manifest.licence === undefined ? {} : { licence: manifest.licence }),
      },
      annotations: {},
      foreign: {},
    },
    components: [...(wheels?.components ?? []), ...brought],
    materials: [
      { uri: `file:${encodeURI(basename(path))}`, digest: { sha256 }, name: basename(path) },
      ...(wheels?.materials ?? []),
    ],
    layout: "mcpb",
    notes: [
      ...described.notes,
      ...start.notes,
      ...(bundle.isSigned ? ["the bundle is as it was signed; by whom, `pratique catalog import mcpb` says"] : []),
      ...(type === "uv" ? [] : ["what the bundle brings along is listed as it is installed: no lock came with it"]),
    ],
    close: () => bundle.close(),
  };
}

/** Bundles may name their files without `${__dirname}`: clients start them in their directory. */
function inBundle(argument: string, found: readonly { path: string }[]): string {
  const plain = argument.replace(/^\.\//, "");
  return found.some(({ path }) => path === plain) ? `${BUNDLE_ROOT}/${plain}` : argument;
}

/** Where bundles for Python keep what they need (MANIFEST.md): `server/lib`, or a virtual environment. */
function withPythonPath(env: Readonly<Record<string, string>>, paths: readonly string[]): Record<string, string> {
  const roots = new Set<string>();
  for (const path of paths) {
    const match = /^(?:(?:[^/]+\/)?lib(?=\/(?!python))|.*\/site-packages)(?=\/)/.exec(path);
    if (match !== null) roots.add(`${BUNDLE_ROOT}/${match[0]}`);
  }
  const own = env["PYTHONPATH"];
  const all = [...(own === undefined ? [] : [own]), ...[...roots].sort()];
  return all.length === 0 ? { ...env } : { ...env, PYTHONPATH: all.join(":") };
}

async function checkBinary(file: string, path: string, architecture: string): Promise<void> {
  const elf = await readElf(file).catch((cause: unknown) => {
    throw packagingErrors("mcpb.invalid", { path, reason: "its program is no 64-bit Linux binary" }, { cause });
  });
  if (elf.architecture !== architecture) {
    throw packagingErrors("mcpb.invalid", { path, reason: `its program is for ${elf.architecture}` });
  }
}

async function uvWheels(
  bundle: OpenBundle,
  target: PythonTarget | undefined,
  tools: ServerTools,
): ReturnType<typeof unpackWheels> {
  const { path, directory, staging } = bundle;
  const toml = await readSmallFile(
    { absolute: join(directory, "pyproject.toml"), path: "pyproject.toml" },
    LIMIT_MANIFEST,
  ).catch((cause: unknown) => {
    throw packagingErrors("mcpb.invalid", { path, reason: "a bundle of type uv needs a pyproject.toml" }, { cause });
  });
  if (target === undefined) throw packagingErrors("mcp-server.no-base", { runtime: "python" });
  const { runCommand, architecture, python } = tools;
  const options = { runCommand, target, architecture, index: python, directory: staging };
  const wheels = await fetchWheels(parseProject(toml.toString("utf8"), path).dependencies, path, options);
  return await unpackWheels(wheels, { directory: staging, minor: target.minor });
}
