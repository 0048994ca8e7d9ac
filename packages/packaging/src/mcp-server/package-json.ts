// A package.json: where the server starts, what it is called, its version and its licence.
import { isJsonObject } from "@pratique/core";
import { pathProblem } from "../archive/entry-path.ts";
import { readSmallFile, type SourceFile } from "../source-files.ts";
import { packagingErrors } from "../errors.ts";

export const PACKAGE_JSON_LIMIT = 1024 * 1024;

export interface PackageJson {
  readonly name?: string;
  readonly version?: string;
  readonly description?: string;
  readonly licence: string | undefined;
  /** The name in the MCP registry, by which the package proves that the name is its own. */
  readonly mcpName?: string;
  /** `main`, or the only or first `bin`. */
  readonly entry: string | undefined;
  /** Commands and their files, relative and plain. */
  readonly commands: Readonly<Record<string, string>>;
  /** Names of what it depends on. */
  readonly dependencies: readonly string[];
  readonly hasInstallScript: boolean;
}

export async function readPackageJson(files: readonly SourceFile[]): Promise<PackageJson> {
  const file = files.find(({ path }) => path === "package.json");
  if (file === undefined) return parsePackageJson("{}");
  return parsePackageJson((await readSmallFile(file, PACKAGE_JSON_LIMIT)).toString("utf8"));
}

/** @throws `mcp-server.bundle-failed` when it is no JSON */
export function parsePackageJson(text: string): PackageJson {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw packagingErrors("mcp-server.bundle-failed", { entry: "package.json", reason: "it is not JSON" }, { cause });
  }
  if (!isJsonObject(json)) return parsePackageJson("{}");
  const { name, version, description, license, main, bin, mcpName, dependencies, scripts } = json;
  const commands = commandsOf(typeof name === "string" ? name : "server", bin);
  const entry = typeof main === "string" ? plain(main) : Object.values(commands)[0];
  return {
    ...(typeof name === "string" ? { name } : {}),
    ...(typeof version === "string" ? { version } : {}),
    ...(typeof description === "string" ? { description } : {}),
    ...(typeof mcpName === "string" ? { mcpName } : {}),
    licence: typeof license === "string" ? license : undefined,
    entry,
    commands,
    dependencies: isJsonObject(dependencies) ? Object.keys(dependencies) : [],
    hasInstallScript:
      isJsonObject(scripts) && ["preinstall", "install", "postinstall"].some((name) => scripts[name] !== undefined),
  };
}

function commandsOf(name: string, bin: unknown): Record<string, string> {
  const listed = typeof bin === "string" ? { [name.replace(/^@[^/]+\//, "")]: bin } : isJsonObject(bin) ? bin : {};
  return Object.fromEntries(
    Object.entries(listed).flatMap(([command, file]) => {
      const path = typeof file === "string" ? plain(file) : "";
      return pathProblem(path) === undefined ? [[command, path]] : [];
    }),
  );
}

function plain(path: string): string {
  return path.replace(/^(?:\.\/)+/, "");
}

const CONVENTIONS = ["server", "index", "main", "src/server", "src/index", "src/main"].flatMap((stem) =>
  ["ts", "mts", "mjs", "js", "cjs"].map((extension) => `${stem}.${extension}`),
);

/** The file a server starts with. @throws `mcp-server.no-entry` */
export function entryOf(directory: string, files: readonly SourceFile[], named: string | undefined): SourceFile {
  const byPath = new Map(files.map((file) => [file.path, file]));
  // What is built is often not there; its source is, beside or in `src`.
  const stem = named?.replace(/\.[cm]?js$/, "").replace(/^(?:dist|build|lib|out)\//, "");
  const sources = stem === undefined ? [] : [`${stem}.ts`, `src/${stem}.ts`, `${stem}.mts`, `src/${stem}.mts`];
  const candidates = named === undefined ? CONVENTIONS : [named, `${named}.js`, `${named}/index.js`, ...sources];
  for (const path of candidates) {
    const file = byPath.get(path);
    if (file !== undefined) return file;
  }
  throw packagingErrors("mcp-server.no-entry", { directory });
}
