// What is in wheels, as files of an image: where each goes, how the command starts, what the package says of itself.
import { join } from "node:path";
import type { SbomComponent } from "@pratique/sbom";
import type { Material } from "../artifact-plan.ts";
import type { CanonicalFile } from "../canonical/canonical-artifact.ts";
import { packagingErrors } from "../errors.ts";
import { listFiles, readSmallFile } from "../source-files.ts";
import { diskFile } from "./canonical-files.ts";
import type { ServerRole } from "./canonical-server.ts";
import type { Wheel } from "./python-wheels.ts";
import { installedPackages, withInstalled } from "./installed-packages.ts";
import { unpackZip } from "./unpack-zip.ts";

export const WHEEL_LIMITS = { maxEntries: 50_000, maxBytes: 1024 * 1024 * 1024 } as const;

export interface WheelFacts {
  readonly summary: string | undefined;
  readonly licence: string | undefined;
  /** The name in the MCP registry, by which the package proves that the name is its own. */
  readonly mcpName: string | undefined;
  /** `[console_scripts]`: command → `module:attribute`. */
  readonly commands: Readonly<Record<string, string>>;
  /** Packages that can be started with `-m`. */
  readonly mains: readonly string[];
}

export interface UnpackedWheels {
  readonly files: readonly CanonicalFile<ServerRole>[];
  readonly facts: ReadonlyMap<string, WheelFacts>;
  readonly components: readonly SbomComponent[];
  readonly materials: readonly Material[];
  readonly notes: readonly string[];
}

/** PEP 503: the same package under any of its spellings. */
export function normalName(name: string): string {
  return name.toLowerCase().replace(/[-_.]+/g, "-");
}

/** Where the Debian Python of the image looks for what others install, `.pth` files included. */
export function sitePackages(minor: number): string {
  return `usr/local/lib/python3.${minor}/dist-packages`;
}

/** @param own the package that is the server, when one is: its files are the app, all others dependencies */
export async function unpackWheels(
  wheels: readonly Wheel[],
  o: { directory: string; minor: number; own?: string | undefined },
): Promise<UnpackedWheels> {
  const root = join(o.directory, "root");
  const owner = new Map<string, string>();
  const facts = new Map<string, WheelFacts>();
  const notes: string[] = [];
  let left: number = WHEEL_LIMITS.maxBytes;
  for (const wheel of wheels) {
    const limits = { maxEntries: WHEEL_LIMITS.maxEntries, maxBytes: left };
    const written = await unpackZip(wheel.path, root, limits, placeIn(o.minor));
    const key = normalName(wheel.name);
    for (const { path, size } of written) {
      left -= size;
      const other = owner.get(path);
      if (other !== undefined) notes.push(`${path} is in ${other} and in ${key}; the second is taken`);
      owner.set(path, key);
    }
    facts.set(
      key,
      await factsOf(
        root,
        written.map(({ path }) => path),
        o.minor,
      ),
    );
    if (owner.size > WHEEL_LIMITS.maxEntries) throw packagingErrors("archive.too-large", { what: "too many files" });
  }
  const files: CanonicalFile<ServerRole>[] = [];
  const limits = { kind: "mcp-server", maxFiles: WHEEL_LIMITS.maxEntries, maxBytes: WHEEL_LIMITS.maxBytes };
  for (const file of owner.size === 0 ? [] : await listFiles(root, limits)) {
    const isOwn = o.own !== undefined && owner.get(file.path) === normalName(o.own);
    files.push(await diskFile(file, file.path, isOwn ? "app" : "dependency"));
  }
  const resolved = wheels.map(({ name, version, sha256 }): SbomComponent => {
    const licence = facts.get(normalName(name))?.licence;
    const licences = licence === undefined ? {} : { licences: [licence] };
    return { type: "library", name, version, purl: pypiPurl(name, version), hashes: { sha256 }, ...licences };
  });
  return {
    files,
    facts,
    notes: notes.slice(0, 20),
    components: withInstalled(resolved, owner.size === 0 ? [] : await installedPackages(root, "")),
    materials: wheels.map(({ name, version, sha256 }) => ({
      uri: pypiPurl(name, version),
      digest: { sha256 },
      name: `${name} ${version}`,
    })),
  };
}

function pypiPurl(name: string, version: string): string {
  return `pkg:pypi/${encodeURIComponent(normalName(name))}@${encodeURIComponent(version)}`;
}

/** PEP 427, "the .data directory". Headers and manual pages are for other uses; scripts start with a wrong `#!`. */
function placeIn(minor: number): (path: string) => string | undefined {
  const site = sitePackages(minor);
  return (path) => {
    const data = /^[^/]+\.data\/([^/]+)\/(.+)$/.exec(path);
    if (data === null) return `${site}/${path}`;
    const [, scheme, rest = ""] = data;
    if (scheme === "purelib" || scheme === "platlib") return `${site}/${rest}`;
    if (scheme === "data" && !rest.startsWith("share/man/")) return `usr/local/${rest}`;
    return undefined;
  };
}

const LIMIT_TEXT = 4 * 1024 * 1024;

async function factsOf(root: string, written: readonly string[], minor: number): Promise<WheelFacts> {
  const site = `${sitePackages(minor)}/`;
  const textOf = async (name: string): Promise<string> => {
    const path = written.find(
      (one) => one.startsWith(site) && new RegExp(`^[^/]+\\.dist-info/${name}$`).test(one.slice(site.length)),
    );
    if (path === undefined) return "";
    return (await readSmallFile({ absolute: join(root, path), path }, LIMIT_TEXT)).toString("utf8");
  };
  const metadata = await textOf("METADATA");
  const [head = ""] = metadata.split(/\r?\n\r?\n/, 1);
  const field = (name: string): string | undefined => {
    const value = new RegExp(`^${name}: (.+)$`, "mi").exec(head)?.[1]?.trim();
    return value === undefined || value.length > 200 || value === "UNKNOWN" ? undefined : value;
  };
  return {
    summary: field("Summary"),
    licence: field("License-Expression") ?? field("License"),
    mcpName: /(?:^|\s)mcp-name:\s*([a-zA-Z0-9.-]+\/[a-zA-Z0-9._-]+)/.exec(metadata)?.[1],
    commands: consoleScripts(await textOf("entry_points\\.txt")),
    mains: written.flatMap((path) => {
      const match = /^([A-Za-z_][A-Za-z0-9_]*)\/__main__\.py$/.exec(
        path.startsWith(site) ? path.slice(site.length) : "",
      );
      return match?.[1] === undefined ? [] : [match[1]];
    }),
  };
}

/** `module:attribute`, as PEP 621 and entry points write it. */
export const OBJECT_REFERENCE = /^([A-Za-z_][\w.]*):([A-Za-z_][\w.]*)$/;

function consoleScripts(text: string): Record<string, string> {
  const commands: Record<string, string> = {};
  let section = "";
  for (const line of text.split(/\r?\n/)) {
    const header = /^\s*\[([^\]]+)\]\s*$/.exec(line);
    if (header !== null) section = header[1] ?? "";
    const pair = /^\s*([A-Za-z0-9._-]+)\s*=\s*([^\s[]+)/.exec(line);
    if (section !== "console_scripts" || pair === null) continue;
    const [, name = "", reference = ""] = pair;
    if (OBJECT_REFERENCE.test(reference)) commands[name] = reference;
  }
  return commands;
}
