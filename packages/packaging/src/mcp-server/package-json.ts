// The server's own package.json: where it starts, its version and its licence.
import { isJsonObject } from "@pratique/core";
import { readSmallFile, type SourceFile } from "../source-files.ts";
import { packagingErrors } from "../errors.ts";

export const PACKAGE_JSON_LIMIT = 1024 * 1024;

export interface PackageJson {
  readonly licence: string | undefined;
  /** `main`, or the only or first `bin`. */
  readonly entry: string | undefined;
}

export async function readPackageJson(files: readonly SourceFile[]): Promise<PackageJson> {
  const file = files.find(({ path }) => path === "package.json");
  if (file === undefined) return { licence: undefined, entry: undefined };
  let json: unknown;
  try {
    json = JSON.parse((await readSmallFile(file, PACKAGE_JSON_LIMIT)).toString("utf8"));
  } catch (cause) {
    throw packagingErrors("mcp-server.bundle-failed", { entry: "package.json", reason: "it is not JSON" }, { cause });
  }
  if (!isJsonObject(json)) return { licence: undefined, entry: undefined };
  const { license, main, bin } = json;
  const command = isJsonObject(bin) ? Object.values(bin)[0] : bin;
  const entry = typeof main === "string" ? main : command;
  return {
    licence: typeof license === "string" ? license : undefined,
    entry: typeof entry === "string" ? entry.replace(/^\.\//, "") : undefined,
  };
}

const CONVENTIONS = ["server", "index", "main", "src/server", "src/index", "src/main"].flatMap((stem) =>
  ["ts", "mts", "mjs", "js", "cjs"].map((extension) => `${stem}.${extension}`),
);

/** The file a server starts with. @throws `mcp-server.no-entry` */
export function entryOf(directory: string, files: readonly SourceFile[], named: string | undefined): SourceFile {
  const byPath = new Map(files.map((file) => [file.path, file]));
  const candidates = named === undefined ? CONVENTIONS : [named, `${named}.js`, `${named}/index.js`];
  for (const path of candidates) {
    const file = byPath.get(path);
    if (file !== undefined) return file;
  }
  throw packagingErrors("mcp-server.no-entry", { directory });
}
