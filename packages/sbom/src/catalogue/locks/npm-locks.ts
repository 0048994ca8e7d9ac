// What npm, pnpm and yarn resolved, from their lock files. Of source directories: an image counts what is installed.
import { isJsonObject, type Json, type JsonObject } from "@pratique/core";
import { parse as parseYaml } from "yaml";
import { splitNpmName } from "../detect/npm.ts";
import { Unreadable, type Detector, type Findings, type FoundPackage } from "../facts.ts";
import { packagesIn } from "./found-in-lock.ts";

const MAX_BYTES = 32 * 1024 ** 2;

/** `package-lock.json` and `npm-shrinkwrap.json`, versions 1 to 3. */
export const npmLock: Detector = {
  name: "package-lock",
  maxBytes: MAX_BYTES,
  read: ({ bytes }) => {
    const json = jsonObject(bytes.toString("utf8"));
    const packages = json["packages"];
    if (isJsonObject(packages)) return packagesIn(Object.entries(packages).map(([path, one]) => lockedAt(path, one)));
    return packagesIn(oldDependencies(json["dependencies"], 0));
  },
};

function lockedAt(path: string, one: Json | undefined): FoundPackage | undefined {
  // What is no dependency lies elsewhere: the root is "", workspaces have their directory.
  if (!isJsonObject(one) || one["link"] === true || !path.includes("node_modules/")) return undefined;
  const placed = path.slice(path.lastIndexOf("node_modules/") + "node_modules/".length);
  const { name, version, integrity, dev, license, dependencies } = one;
  return npmPackage(typeof name === "string" ? name : placed, version, {
    integrity,
    isDevelopment: dev === true,
    licences: typeof license === "string" ? [license] : [],
    needs: isJsonObject(dependencies) ? Object.keys(dependencies) : [],
  });
}

/** Version 1: dependencies in dependencies. */
function oldDependencies(dependencies: Json | undefined, depth: number): (FoundPackage | undefined)[] {
  if (!isJsonObject(dependencies) || depth > 50) return [];
  return Object.entries(dependencies).flatMap(([name, one]) => {
    if (!isJsonObject(one)) return [];
    const { version, integrity, dev, requires } = one;
    const needs = isJsonObject(requires) ? Object.keys(requires) : [];
    const found = npmPackage(name, version, { integrity, isDevelopment: dev === true, licences: [], needs });
    return [found, ...oldDependencies(one["dependencies"], depth + 1)];
  });
}

/** `pnpm-lock.yaml`, versions 5 to 9: keys are `/name/1.0.0`, `/name@1.0.0(peer)` or `name@1.0.0`. */
export const pnpmLock: Detector = {
  name: "pnpm-lock",
  maxBytes: MAX_BYTES,
  read: ({ bytes }) => {
    const json = yamlObject(bytes.toString("utf8"));
    const packages = isJsonObject(json["packages"]) ? json["packages"] : {};
    const snapshots = isJsonObject(json["snapshots"]) ? json["snapshots"] : {};
    return packagesIn(
      Object.entries(packages).map(([key, one]) => {
        const match = /^\/?((?:@[^/@]+\/)?[^/@()]+)[@/](\d[^()_]*)/.exec(key);
        if (match?.[1] === undefined || !isJsonObject(one)) return undefined;
        const resolution = one["resolution"];
        const snapshot = isJsonObject(snapshots[key]) ? snapshots[key] : one;
        return npmPackage(match[1], match[2], {
          integrity: isJsonObject(resolution) ? resolution["integrity"] : undefined,
          isDevelopment: one["dev"] === true,
          licences: [],
          needs: isJsonObject(snapshot["dependencies"]) ? Object.keys(snapshot["dependencies"]) : [],
        });
      }),
    );
  },
};

/** `yarn.lock`: version 1 has a format of its own, later ones are YAML. */
export const yarnLock: Detector = {
  name: "yarn-lock",
  maxBytes: MAX_BYTES,
  read: ({ bytes }) => {
    const text = bytes.toString("utf8");
    return /^__metadata:/m.test(text) ? yarnBerry(text) : yarnClassic(text);
  },
};

function yarnBerry(text: string): Findings {
  return packagesIn(
    Object.values(yamlObject(text)).map((one) => {
      if (!isJsonObject(one) || typeof one["resolution"] !== "string") return undefined;
      const match = /^((?:@[^/@]+\/)?[^@/]+)@npm:/.exec(one["resolution"]);
      const needs = isJsonObject(one["dependencies"]) ? Object.keys(one["dependencies"]) : [];
      if (match?.[1] === undefined) return undefined;
      return npmPackage(match[1], one["version"], { integrity: undefined, isDevelopment: false, licences: [], needs });
    }),
  );
}

function yarnClassic(text: string): Findings {
  const found: (FoundPackage | undefined)[] = [];
  for (const block of text.split(/\n(?:\r?\n)+/)) {
    const head = /^"?((?:@[^/@\s]+\/)?[^@/\s"]+)@([^\n]*):\s*$/m.exec(block);
    const version = /^ {2}version "?([^"\n]+)"?/m.exec(block)?.[1];
    if (head?.[1] === undefined || version === undefined || block.startsWith("#")) continue;
    // `alias@npm:name@range` is the package that it stands for.
    const alias = /^npm:((?:@[^/@\s]+\/)?[^@/\s]+)@/.exec(head[2] ?? "")?.[1];
    const integrity = /^ {2}integrity (\S+)/m.exec(block)?.[1];
    const list = /^ {2}(?:dependencies|optionalDependencies):\r?\n((?: {4}[^\n]*\n?)+)/m.exec(block)?.[1] ?? "";
    const needs = [...list.matchAll(/^ {4}"?([^"\s]+)"? /gm)].map((match) => match[1] ?? "");
    found.push(npmPackage(alias ?? head[1], version, { integrity, isDevelopment: false, licences: [], needs }));
  }
  return packagesIn(found);
}

interface Details {
  readonly integrity: Json | undefined;
  readonly isDevelopment: boolean;
  readonly licences: readonly string[];
  readonly needs: readonly string[];
}

function npmPackage(name: string, version: Json | undefined, details: Details): FoundPackage | undefined {
  // Directories, git repositories and addresses have no version of the registry.
  if (typeof version !== "string" || !/^\d/.test(version) || name === "" || name.length > 300) return undefined;
  const hashes = hashesOf(details.integrity);
  return {
    type: "npm",
    ...splitNpmName(name),
    version,
    licences: details.licences,
    scope: details.isDevelopment ? "development" : "runtime",
    needs: details.needs,
    ...(hashes === undefined ? {} : { hashes }),
  };
}

const ALGORITHMS: Readonly<Record<string, string>> = {
  sha1: "SHA1",
  sha256: "SHA256",
  sha384: "SHA384",
  sha512: "SHA512",
};

/** Subresource integrity (W3C SRI §3). */
function hashesOf(integrity: Json | undefined): Record<string, string> | undefined {
  if (typeof integrity !== "string") return undefined;
  const found: Record<string, string> = {};
  for (const [, algorithm, value] of integrity.matchAll(/\b(sha\d+)-([A-Za-z0-9+/]+={0,2})/g)) {
    const known = ALGORITHMS[algorithm ?? ""];
    if (known !== undefined && value !== undefined) found[known] = Buffer.from(value, "base64").toString("hex");
  }
  return Object.keys(found).length === 0 ? undefined : found;
}

export function jsonObject(text: string): JsonObject {
  let json: unknown;
  try {
    json = JSON.parse(text.replace(/^\ufeff/, ""));
  } catch {
    throw new Unreadable("it is not JSON");
  }
  if (!isJsonObject(json)) throw new Unreadable("it is no JSON object");
  return json;
}

function yamlObject(text: string): JsonObject {
  let value: unknown;
  try {
    // No lock has aliases, and they are how a small file becomes a large one.
    value = parseYaml(text, { maxAliasCount: 0, merge: false, schema: "core", logLevel: "silent" });
  } catch {
    throw new Unreadable("it is not YAML");
  }
  if (!isJsonObject(value)) throw new Unreadable("it is no YAML mapping");
  return value;
}
