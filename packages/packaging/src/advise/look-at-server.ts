// Looks at a server's files for what they say of it. Reads them, and runs nothing.
import { basename, extname } from "node:path";
import { isPratiqueError } from "@pratique/core";
import { detectKind } from "../detect-kind.ts";
import { packagingErrors } from "../errors.ts";
import { listFiles, readSmallFile, requireDirectory, type SourceFile } from "../source-files.ts";
import { dependsOnMcp } from "../mcp-server/depends-on-mcp.ts";
import { openBundle } from "../mcp-server/server-from-mcpb.ts";
import type { McpbManifest } from "../mcp-server/mcpb.schema.ts";
import { readPackageJson } from "../mcp-server/package-json.ts";
import { parseProject } from "../mcp-server/python-directory.ts";
import { LIMIT_SERVER_JSON, parseServerJson, type ServerJson } from "../mcp-server/server-json.schema.ts";
import { normalName } from "../mcp-server/wheel-files.ts";
import { ENVIRONMENT_READ, MARKS, SECRET_NAME, type MarkedFact } from "./marks.ts";
import type { SeenTransport, ServerFacts } from "./server-facts.ts";

const CODE = new Set([".ts", ".mts", ".cts", ".js", ".mjs", ".cjs", ".tsx", ".jsx", ".py"]);
const LIMIT_FILE = 512 * 1024;
const LIMIT_READ = 32 * 1024 * 1024;
const LIMIT_SEEN = 5;
const LIMITS = {
  kind: "mcp-server",
  maxFiles: 50_000,
  maxBytes: 4 * 1024 * 1024 * 1024,
  exclude: new Set(["node_modules", ".venv", "venv", "site-packages", "__pycache__", "test", "tests", "coverage"]),
} as const;

/** A directory, an .mcpb or a server.json. @throws `mcp-server.source-invalid` and what reading them throws */
export async function lookAtServer(path: string, cacheDirectory: string): Promise<ServerFacts> {
  if (/\.(?:mcpb|dxt)$/i.test(path)) {
    const bundle = await openBundle(path, cacheDirectory);
    try {
      return await lookAtFiles(bundle.directory, bundle.manifest);
    } finally {
      await bundle.close();
    }
  }
  if (/\.json$/i.test(path)) {
    const bytes = await readSmallFile({ absolute: path, path: basename(path) }, LIMIT_SERVER_JSON).catch(
      (cause: unknown) => {
        throw packagingErrors("mcp-server.source-invalid", { source: path, reason: "it cannot be read" }, { cause });
      },
    );
    return factsOf(parseServerJson(bytes, path), undefined, new Notes(), { language: "unknown", dependencies: [] });
  }
  await requireDirectory(path);
  const kind = await otherKindOf(path);
  if (kind !== undefined) throw packagingErrors("advise.no-server", { path, kind });
  return await lookAtFiles(path, undefined);
}

/** What a directory plainly is, when that is no server. Sources of servers have no mark that all of them share. */
async function otherKindOf(directory: string): Promise<string | undefined> {
  const kind = await detectKind(directory).catch((error: unknown) => {
    const isOpen = ["artifact.unknown-kind", "artifact.ambiguous-kind"].some((code) => isPratiqueError(error, code));
    if (isOpen) return undefined;
    throw error;
  });
  return kind === "mcp-server" || kind === undefined || (await dependsOnMcp(directory)) ? undefined : kind;
}

class Notes {
  readonly seen = new Map<MarkedFact | "secrets", Set<string>>();

  add(fact: MarkedFact | "secrets", what: string): void {
    const set = this.seen.get(fact) ?? new Set();
    this.seen.set(fact, set);
    if (set.size < LIMIT_SEEN) set.add(what);
  }

  of(fact: MarkedFact | "secrets"): string[] {
    return [...(this.seen.get(fact) ?? [])].sort();
  }
}

async function lookAtFiles(directory: string, manifest: McpbManifest | undefined): Promise<ServerFacts> {
  const files = await listFiles(directory, LIMITS);
  const notes = new Notes();
  const described = await serverJsonIn(files);
  const { dependencies, language } = await packagesIn(files, directory);
  for (const name of dependencies) {
    for (const mark of MARKS) if (mark.dependency?.test(name) === true) notes.add(mark.fact, `depends on ${name}`);
  }
  let left = LIMIT_READ;
  for (const file of files) {
    if (/\.(?:node|so|dylib|dll)$/.test(file.path)) notes.add("nativeModules", file.path);
    if (!CODE.has(extname(file.path)) || file.size > Math.min(LIMIT_FILE, left)) continue;
    left -= file.size;
    lookAtCode(file.path, (await readSmallFile(file, LIMIT_FILE)).toString("utf8"), notes);
  }
  const kind = manifest?.type === "binary" ? "binary" : language;
  return factsOf(described, manifest, notes, { language: kind, dependencies });
}

/** Comments count too: taking something for dangerous that is not is the lesser fault. */
function lookAtCode(path: string, text: string, notes: Notes): void {
  for (const [at, line] of text.split("\n").entries()) {
    if (line.length > 2000) continue;
    for (const { fact, code } of MARKS) if (code?.test(line) === true) notes.add(fact, `${path}:${at + 1}`);
    for (const match of line.matchAll(ENVIRONMENT_READ)) {
      const name = match[1] ?? match[2] ?? match[3] ?? "";
      if (SECRET_NAME.test(name)) notes.add("secrets", name);
    }
  }
}

async function serverJsonIn(files: readonly SourceFile[]): Promise<ServerJson | undefined> {
  const file = files.find(({ path }) => path === "server.json");
  if (file === undefined) return undefined;
  try {
    return parseServerJson(await readSmallFile(file, LIMIT_SERVER_JSON));
  } catch (error) {
    if (isPratiqueError(error)) return undefined; // Packing says what is wrong with it; advice can do without.
    throw error;
  }
}

async function packagesIn(
  files: readonly SourceFile[],
  directory: string,
): Promise<{ dependencies: string[]; language: ServerFacts["language"] }> {
  const toml = files.find(({ path }) => path === "pyproject.toml");
  if (files.some(({ path }) => path === "package.json")) {
    return { dependencies: [...(await readPackageJson(files)).dependencies], language: "node" };
  }
  if (toml !== undefined) {
    const { dependencies } = parseProject((await readSmallFile(toml, LIMIT_FILE)).toString("utf8"), directory);
    return { dependencies: dependencies.map(requirementName), language: "python" };
  }
  const requirements = files.find(({ path }) => path === "requirements.txt");
  const lines = requirements === undefined ? "" : (await readSmallFile(requirements, LIMIT_FILE)).toString("utf8");
  const dependencies = lines
    .split("\n")
    .map(requirementName)
    .filter((name) => name !== "");
  const isPython = files.some(({ path }) => path.endsWith(".py"));
  const isNode = files.some(({ path }) => /\.[cm]?[jt]s$/.test(path));
  return { dependencies, language: isPython ? "python" : isNode ? "node" : "unknown" };
}

function requirementName(requirement: string): string {
  return normalName(/^[A-Za-z0-9][A-Za-z0-9._-]*/.exec(requirement.trim())?.[0] ?? "");
}

function factsOf(
  described: ServerJson | undefined,
  manifest: McpbManifest | undefined,
  notes: Notes,
  o: { language: ServerFacts["language"]; dependencies: readonly string[] },
): ServerFacts {
  const packages = described?.packages ?? [];
  for (const { transport } of packages) {
    if (transport !== undefined) notes.add(transport.type === "stdio" ? "stdio" : "http", "server.json");
  }
  for (const { environmentVariables = [] } of packages) {
    for (const { name, isSecret } of environmentVariables) if (isSecret === true) notes.add("secrets", name);
  }
  const options = Object.entries(manifest?.userConfig ?? {});
  for (const [name, { sensitive }] of options) if (sensitive === true) notes.add("secrets", name);
  if (manifest !== undefined) notes.add("stdio", "manifest.json");
  return {
    language: o.language,
    transport: transportSeen(notes),
    remotes: (described?.remotes ?? []).map(({ url }) => url),
    packages: [...new Set(packages.flatMap(({ registryType }) => (registryType === undefined ? [] : [registryType])))],
    secrets: notes.of("secrets"),
    files: notes.of("files"),
    chosenFiles: options.flatMap(([name, { type }]) => (type === "directory" || type === "file" ? [name] : [])),
    network: notes.of("network"),
    commands: notes.of("commands"),
    desktop: notes.of("desktop"),
    browser: notes.of("browser"),
    sockets: notes.of("sockets"),
    nativeModules: notes.of("nativeModules"),
    state: notes.of("state"),
    dependencies: o.dependencies.length,
  };
}

function transportSeen(notes: Notes): SeenTransport {
  const [http, stdio] = [notes.of("http").length > 0, notes.of("stdio").length > 0];
  if (http && stdio) return "both";
  if (http) return "http";
  return stdio ? "stdio" : "unknown";
}
