// An MCP server from wherever it is published → an image in a repository.
import { basename, join } from "node:path";
import { isJsonObject, isPratiqueError, parseJson } from "@pratique/core";
import type { LocalRepository, Repository } from "@pratique/oci";
import type { ArtifactPlan } from "../artifact-plan.ts";
import { packagingErrors } from "../errors.ts";
import { packSource, type Packed, type PackSourceOptions } from "../pack-source.ts";
import { readSmallFile } from "../source-files.ts";
import type { PythonTarget } from "./base-image.ts";
import type { FoundServer, Runtime } from "./canonical-server.ts";
import { choosePackage } from "./choose-package.ts";
import type { Describes } from "./described-by.ts";
import { fetchBounded, fetchFile } from "./fetch-bounded.ts";
import { serverFromImage } from "./server-from-image.ts";
import { openBundle, serverFromMcpb } from "./server-from-mcpb.ts";
import { serverFromNpm } from "./server-from-npm.ts";
import { serverFromPypi } from "./server-from-pypi.ts";
import { baseFor, planServerImage } from "./server-image.ts";
import { serverImageOptions } from "./server-options.ts";
import { serverRepository } from "./server-labels.ts";
import { LIMIT_SERVER_JSON, parseServerJson } from "./server-json.schema.ts";
import { parseServerSource, type ServerSource } from "./server-source.ts";
import type { ServerTools } from "./server-tools.ts";
import { openStaging } from "./staging.ts";

const LIMIT_BUNDLE = 1024 * 1024 * 1024;
const OFFICIAL_REGISTRY = "https://registry.modelcontextprotocol.io";

export interface PackServerTools extends ServerTools {
  /** The MCP registry; by default the official one. */
  readonly mcpRegistry?: string | undefined;
  /** Finds an image: in the embedded registry, at another, or in an archive. Closed when it is packed. */
  openImage(reference: string): Promise<{ repository: Repository; ref: string; close(): Promise<void> }>;
  /** One line for somebody who waits. */
  readonly onStep?: ((step: string) => void) | undefined;
}

/** Everything but a directory, which `packDirectory` packs. @throws the codes of `mcp-server.*`, `mcpb.*`, `archive.*` */
export async function packServer(
  source: Exclude<ServerSource, { type: "directory" }>,
  tools: PackServerTools,
  options: PackSourceOptions,
): Promise<Packed & { readonly attached?: unknown }> {
  return await packOne(source, undefined, tools, options);
}

type Packable = Exclude<ServerSource, { type: "directory" }>;

async function packOne(
  source: Packable,
  describes: Describes | undefined,
  tools: PackServerTools,
  options: PackSourceOptions,
): Promise<Packed & { readonly attached?: unknown }> {
  const say = (step: string): void => tools.onStep?.(step);
  switch (source.type) {
    case "server-json":
    case "server-url":
    case "registry": {
      if (describes !== undefined)
        throw packagingErrors("mcp-server.source-invalid", {
          source: nameOf(source),
          reason: "it is named by another server.json",
        });
      say(`reading ${nameOf(source)}`);
      return await packDescribed(await serverJsonBytes(source, tools), nameOf(source), tools, options);
    }
    case "npm":
      say(`resolving ${nameOf(source)} and what it needs; no script of it runs`);
      return await packFound("node", nameOf(source), options, () => serverFromNpm({ ...source, describes }, tools));
    case "pypi":
      say(`resolving ${nameOf(source)} and what it needs; only wheels are taken`);
      return await packFound("python", nameOf(source), options, (python) => {
        if (python === undefined) throw packagingErrors("mcp-server.no-base", { runtime: "python" });
        return serverFromPypi({ ...source, describes }, python, tools);
      });
    case "mcpb": {
      say(`unpacking ${basename(source.path)}`);
      const bundle = await openBundle(source.path, tools.cacheDirectory);
      const wanted = describes?.package.fileSha256;
      if (describes !== undefined && bundle.sha256 !== wanted) {
        await bundle.close();
        throw packagingErrors("mcp-server.fetch-failed", {
          source: nameOf(source),
          reason: "it has not the checksum that server.json names",
        });
      }
      return await packFound(bundle.runtime, nameOf(source), options, (python) =>
        serverFromMcpb(bundle, { architecture: tools.architecture, python, describes }, tools),
      ).finally(() => bundle.close());
    }
    case "image": {
      say(`looking at ${source.reference}`);
      const image = await tools.openImage(source.reference);
      try {
        const { reference } = source;
        const found = await serverFromImage({ ...image, reference, architecture: tools.architecture, describes });
        say("taking its layers over");
        const parameters = { source: nameOf(source) };
        return await packSource(
          { kind: "mcp-server", name: serverRepository(found.name), parameters, plan: (to) => found.plan(to) },
          options,
        );
      } finally {
        await image.close();
      }
    }
  }
}

/** Reads a server and packs it on the base of its runtime. */
async function packFound(
  runtime: Runtime,
  source: string,
  options: PackSourceOptions,
  read: (python: PythonTarget | undefined) => Promise<FoundServer>,
): Promise<Packed & { readonly attached?: unknown }> {
  const python = runtime === "python" ? await options.bases?.python?.pythonTarget?.(options) : undefined;
  if (runtime === "python" && python === undefined) throw packagingErrors("mcp-server.no-base", { runtime });
  const found = await read(python);
  const parameters = { source, layout: found.layout };
  const plan = async (repository: LocalRepository): Promise<ArtifactPlan> =>
    planServerImage(found, await baseFor(runtime, serverImageOptions(repository, options)), repository);
  try {
    return await packSource(
      { kind: "mcp-server", name: serverRepository(found.server.name ?? "server"), parameters, plan },
      options,
    );
  } finally {
    await found.close();
  }
}

/** Packs what a server.json names. */
async function packDescribed(
  serverJson: Buffer,
  source: string,
  tools: PackServerTools,
  options: PackSourceOptions,
): Promise<Packed & { readonly attached?: unknown }> {
  const server = parseServerJson(serverJson, source);
  const chosen = choosePackage(server, source);
  const describes = { server, serverJson, package: chosen };
  const { registryType = "", identifier = "", version = server.version } = chosen;
  tools.onStep?.(`${server.name} ${server.version}: taking its ${registryType} package ${identifier}`);
  switch (registryType) {
    case "npm":
      return await packOne(address(`npm:${identifier}@${version}`), describes, tools, options);
    case "pypi":
      return await packOne(address(`pypi:${identifier}==${version}`), describes, tools, options);
    case "oci": {
      // Since schema 2025-10-17 the tag stands in the identifier.
      const reference = /[:@][^/]+$/.test(identifier) ? identifier : `${identifier}:${version}`;
      return await packOne({ type: "image", reference }, describes, tools, options);
    }
    default: {
      if (chosen.fileSha256 === undefined) {
        throw packagingErrors("mcp-server.unverifiable", {
          source,
          dependency: identifier,
          reason: "fileSha256 is missing",
        });
      }
      const staging = await openStaging(tools.cacheDirectory);
      try {
        const path = join(staging.directory, "server.mcpb");
        const fetcher = tools.fetch ?? fetch;
        const digest = await fetchFile(identifier, { path, limitBytes: LIMIT_BUNDLE, fetcher });
        if (digest !== `sha256:${chosen.fileSha256}`) {
          const reason = "it has not the checksum that server.json names";
          throw packagingErrors("mcp-server.fetch-failed", { source: identifier, reason });
        }
        return await packOne({ type: "mcpb", path }, describes, tools, options);
      } finally {
        await staging.close();
      }
    }
  }
}

async function serverJsonBytes(source: Packable, tools: PackServerTools): Promise<Buffer> {
  const get = tools.fetch ?? fetch;
  if (source.type === "server-url") return await fetchBounded(source.url, LIMIT_SERVER_JSON, get);
  if (source.type === "registry") {
    // Registry API 2025-12-01, GET /v0.1/servers/{name}/versions/{version}.
    const path = `/v0.1/servers/${encodeURIComponent(source.name)}/versions/${encodeURIComponent(source.version)}`;
    const address = `${(tools.mcpRegistry ?? OFFICIAL_REGISTRY).replace(/\/+$/, "")}${path}`;
    const answer = parseJson((await fetchBounded(address, 2 * LIMIT_SERVER_JSON, get)).toString("utf8"), address);
    if (isJsonObject(answer) && isJsonObject(answer["server"])) return Buffer.from(JSON.stringify(answer["server"]));
    throw packagingErrors("mcp-server.fetch-failed", { source: address, reason: "it names no server" });
  }
  const path = source.type === "server-json" ? source.path : "";
  return await readSmallFile({ absolute: path, path: basename(path) }, LIMIT_SERVER_JSON).catch((cause: unknown) => {
    if (isPratiqueError(cause, "input.too-large")) throw cause;
    throw packagingErrors("mcp-server.source-invalid", { source: path, reason: "it cannot be read" }, { cause });
  });
}

function address(text: string): Packable {
  const source = parseServerSource(text);
  if (source.type !== "directory") return source;
  throw packagingErrors("mcp-server.source-invalid", { source: text, reason: "it is a directory" });
}

function nameOf(source: Packable): string {
  switch (source.type) {
    case "npm":
      return `npm:${source.name}@${source.version}`;
    case "pypi":
      return `pypi:${source.name}==${source.version}`;
    case "registry":
      return `registry:${source.name}@${source.version}`;
    case "image":
      return `image:${source.reference}`;
    case "server-url":
      return source.url;
    default:
      return basename(source.path);
  }
}
