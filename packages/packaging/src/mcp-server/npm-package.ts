// Which npm package a file belongs to.
import { readFile, realpath } from "node:fs/promises";
import { dirname, join, sep } from "node:path";
import { isJsonObject } from "@pratique/core";
import { PACKAGE_JSON_LIMIT } from "./package-json.ts";

export interface NpmPackage {
  readonly name: string;
  readonly version: string;
  readonly licence: string | undefined;
  readonly directory: string;
}

/** The package URL of an npm package (purl-spec, npm type: the scope is a namespace, `@` as `%40`). */
export function npmPurl(name: string, version: string): string {
  return `pkg:npm/${name.split("/").map(encodeURIComponent).join("/")}@${encodeURIComponent(version)}`;
}

function licenceOf(json: Readonly<Record<string, unknown>>): string | undefined {
  const licence = json["license"];
  if (typeof licence === "string") return licence;
  return isJsonObject(licence) && typeof licence["type"] === "string" ? licence["type"] : undefined;
}

async function packageAt(directory: string): Promise<NpmPackage | undefined> {
  const text = await readFile(join(directory, "package.json"), "utf8").catch(() => undefined);
  if (text === undefined || text.length > PACKAGE_JSON_LIMIT) return undefined;
  try {
    const json: unknown = JSON.parse(text);
    if (!isJsonObject(json)) return undefined;
    const { name, version } = json;
    // A package.json inside a package that only sets `type` names nothing: the one above does.
    if (typeof name !== "string" || typeof version !== "string" || name === "") return undefined;
    return { name, version, licence: licenceOf(json), directory };
  } catch {
    return undefined;
  }
}

/** Finds the packages of files, each directory read once. */
export function packageFinder(): (file: string) => Promise<NpmPackage | undefined> {
  const known = new Map<string, Promise<NpmPackage | undefined>>();
  const find = (directory: string): Promise<NpmPackage | undefined> => {
    const cached = known.get(directory);
    if (cached !== undefined) return cached;
    const found = packageAt(directory).then((own) => {
      const parent = dirname(directory);
      return own ?? (parent === directory ? undefined : find(parent));
    });
    known.set(directory, found);
    return found;
  };
  return (file) => find(dirname(file));
}

/** True when a package lies in, or is linked from, a `node_modules` that code in `from` can import from. */
export async function isInstalledPackage(from: string, found: NpmPackage): Promise<boolean> {
  for (let directory = from; ; directory = dirname(directory)) {
    const modules = await realpath(join(directory, "node_modules")).catch(() => undefined);
    if (modules !== undefined) {
      if (found.directory.startsWith(`${modules}${sep}`)) return true;
      // A workspace is linked under its name.
      if ((await realpath(join(modules, found.name)).catch(() => undefined)) === found.directory) return true;
    }
    if (dirname(directory) === directory) return false;
  }
}
