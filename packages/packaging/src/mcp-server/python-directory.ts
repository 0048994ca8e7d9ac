// A directory with a Python server: its files as they are, the wheels of what it depends on, and how it starts.
import { lstat } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { isJsonObject } from "@pratique/core";
import { parse } from "smol-toml";
import { packagingErrors } from "../errors.ts";
import { listFiles, readSmallFile, type SourceFile } from "../source-files.ts";
import type { PythonTarget } from "./base-image.ts";
import { diskFile, textFile } from "./canonical-files.ts";
import type { FoundServer } from "./canonical-server.ts";
import { makeServerJson, nameOfPackage } from "./made-server-json.ts";
import { pythonStart, type PythonStart } from "./python-start.ts";
import { fetchWheels, type PythonIndex } from "./python-wheels.ts";
import type { RunCommand } from "../run-command.ts";
import { plainArguments } from "./server-json.schema.ts";
import { DIRECTORY_LIMITS, serverJsonOf, sourceMaterials, type ServerDirectory } from "./server-from-directory.ts";
import { openStaging } from "./staging.ts";
import { transportOf } from "./server-transport.ts";
import { unpackWheels } from "./wheel-files.ts";

const LIMIT_PROJECT = 1024 * 1024;
const MARKS = ["pyproject.toml", "requirements.txt", "__main__.py", "server.py", "main.py"];

/** True for a directory with a Python project and no package.json. */
export async function isPythonDirectory(directory: string): Promise<boolean> {
  const has = async (name: string): Promise<boolean> =>
    (await lstat(join(directory, name)).catch(() => undefined))?.isFile() === true;
  if (await has("package.json")) return false;
  for (const mark of MARKS) if (await has(mark)) return true;
  return false;
}

/** What is read of pyproject.toml (PEP 621). */
export interface PythonProject {
  readonly name: string | undefined;
  readonly version: string | undefined;
  readonly description: string | undefined;
  readonly licence: string | undefined;
  readonly dependencies: readonly string[];
  /** Command → `module:attribute`. */
  readonly scripts: Readonly<Record<string, string>>;
}

export interface PythonDirectory extends ServerDirectory {
  readonly project: PythonProject;
}

/** @throws `mcp-server.source-invalid`, `mcp-server.invalid` */
export async function readPythonDirectory(directory: string): Promise<PythonDirectory> {
  const files = await listFiles(directory, DIRECTORY_LIMITS);
  const project = await readProject(files, directory);
  const name = project.name ?? basename(resolve(directory));
  const version = project.version ?? "0.1.0";
  const made = (): string =>
    makeServerJson({
      name: nameOfPackage("dev.pratique.local", name),
      description: project.description,
      version,
      package: { registryType: "pypi", identifier: name, version },
    });
  return { directory, files, project, ...(await serverJsonOf(files, made, directory)) };
}

async function readProject(files: readonly SourceFile[], directory: string): Promise<PythonProject> {
  const textOf = async (name: string): Promise<string | undefined> => {
    const file = files.find(({ path }) => path === name);
    return file === undefined ? undefined : (await readSmallFile(file, LIMIT_PROJECT)).toString("utf8");
  };
  const toml = await textOf("pyproject.toml");
  if (toml !== undefined) return parseProject(toml, directory);
  const lines = (await textOf("requirements.txt"))?.split(/\r?\n/) ?? [];
  const dependencies = lines.map((line) => line.replace(/(?:^|\s)#.*$/, "").trim()).filter((line) => line !== "");
  return { name: undefined, version: undefined, description: undefined, licence: undefined, dependencies, scripts: {} };
}

/** @throws `mcp-server.source-invalid` */
export function parseProject(toml: string, source: string): PythonProject {
  let json: unknown;
  try {
    json = parse(toml);
  } catch (cause) {
    throw packagingErrors("mcp-server.source-invalid", { source, reason: "its pyproject.toml is not TOML" }, { cause });
  }
  const project = isJsonObject(json) && isJsonObject(json["project"]) ? json["project"] : {};
  const { name, version, description, license, dependencies, scripts } = project;
  const texts = (value: unknown): string[] =>
    Array.isArray(value) ? value.filter((item): item is string => typeof item === "string") : [];
  return {
    name: typeof name === "string" ? name : undefined,
    version: typeof version === "string" ? version : undefined,
    description: typeof description === "string" ? description : undefined,
    licence: typeof license === "string" ? license : undefined,
    dependencies: texts(dependencies),
    scripts: Object.fromEntries(
      Object.entries(isJsonObject(scripts) ? scripts : {}).flatMap(([command, reference]) =>
        typeof reference === "string" ? [[command, reference]] : [],
      ),
    ),
  };
}

export interface PythonTools {
  readonly runCommand?: RunCommand;
  readonly cacheDirectory: string;
  readonly python?: PythonIndex | undefined;
  readonly architecture?: string;
}

/** Nothing of it is run: it is no wheel, and its files are taken as they lie. @throws `mcp-server.no-entry` */
export async function serverOfPythonDirectory(
  source: PythonDirectory,
  target: PythonTarget | undefined,
  tools: PythonTools,
): Promise<FoundServer> {
  const { project, directory } = source;
  const own = source.files.filter(({ path }) => path !== "server.json");
  const start = startOf(source, own);
  if (start === undefined) throw packagingErrors("mcp-server.no-entry", { directory });
  const staging = await openStaging(tools.cacheDirectory);
  try {
    const wheels = await wheelsOf(project.dependencies, directory, target, tools, staging.directory);
    const unpacked = await unpackWheels(wheels, { directory: staging.directory, minor: target?.minor ?? 0 });
    const files = await Promise.all(own.map((file) => diskFile(file, `app/${file.path}`, "app")));
    const { server, serverJson } = source;
    const [first] = server.packages;
    const roots = own.some(({ path }) => path.startsWith("src/")) ? "/app/src:/app" : "/app";
    return {
      server: {
        kind: "mcp-server",
        name: server.name,
        version: server.version,
        description: server.description,
        files: [...start.files, ...files, ...unpacked.files, textFile("app/server.json", "description", serverJson)],
        metadata: {
          runtime: "python",
          args: [...start.args, ...plainArguments(first?.packageArguments)],
          env: { PYTHONPATH: roots, ...server.env },
          transport: transportOf(first),
          serverJson: serverJson.toString("utf8"),
          ...(project.licence === undefined ? {} : { licence: project.licence }),
        },
        annotations: {},
        foreign: {},
      },
      components: unpacked.components,
      materials: [...(await sourceMaterials(source, new Set(own.map(({ path }) => path)))), ...unpacked.materials],
      layout: "wheels",
      notes: unpacked.notes,
      close: () => staging.close(),
    };
  } catch (error) {
    await staging.close();
    throw error;
  }
}

async function wheelsOf(
  dependencies: readonly string[],
  source: string,
  target: PythonTarget | undefined,
  { runCommand, python, architecture }: PythonTools,
  directory: string,
): ReturnType<typeof fetchWheels> {
  if (dependencies.length === 0) return [];
  if (runCommand === undefined || target === undefined) {
    throw packagingErrors("mcp-server.no-base", { runtime: "python" });
  }
  const options = { runCommand, target, architecture: architecture ?? hostArchitecture(), index: python, directory };
  return await fetchWheels(dependencies, source, options);
}

/** As OCI names it. */
export function hostArchitecture(): string {
  return process.arch === "x64" ? "amd64" : process.arch;
}

/** Its declared command; else a package or file that is known to start servers. */
function startOf(source: PythonDirectory, own: readonly SourceFile[]): PythonStart | undefined {
  const paths = new Set(own.map(({ path }) => path));
  const mains = own.flatMap(({ path }) => {
    const match = /^(?:src\/)?([A-Za-z_][A-Za-z0-9_]*)\/__main__\.py$/.exec(path);
    return match?.[1] === undefined ? [] : [match[1]];
  });
  const declared = pythonStart(source.project.name ?? "", source.project.scripts, mains);
  if (declared !== undefined) return declared;
  const file = ["__main__.py", "server.py", "main.py", "src/server.py", "src/main.py"].find((path) => paths.has(path));
  return file === undefined ? undefined : { args: [`/app/${file}`], files: [] };
}
