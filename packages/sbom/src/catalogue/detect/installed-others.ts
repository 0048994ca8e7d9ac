// Installed packages of further ecosystems: RubyGems, .NET, Composer, conda.
import { isJsonObject, type Json, type JsonObject } from "@pratique/core";
import { NOTHING, Unreadable, type Detector, type Findings, type FoundPackage } from "../facts.ts";

const MAX_BYTES = 16 * 1024 ** 2;

/** `specifications/NAME-VERSION.gemspec`, written by RubyGems in one form. */
export const gemSpecification: Detector = {
  name: "gem",
  maxBytes: 1024 ** 2,
  read: ({ bytes }) => {
    const text = bytes.toString("utf8");
    const name = /^\s*\w+\.name\s*=\s*["']([A-Za-z0-9._-]+)["']/m.exec(text)?.[1];
    const version = /^\s*\w+\.version\s*=\s*["']([^"'\s]+)["']/m.exec(text)?.[1];
    if (name === undefined || version === undefined) return NOTHING;
    const listed = /^\s*\w+\.licenses?\s*=\s*(.+)$/m.exec(text)?.[1] ?? "";
    const licences = [...listed.matchAll(/["']([^"']+)["']/g)].map((match) => match[1] ?? "");
    return packages([{ type: "gem", name, version, licences }]);
  },
};

/** `NAME.deps.json` beside a .NET program. */
export const dotnetDependencies: Detector = {
  name: "dotnet",
  maxBytes: MAX_BYTES,
  read: ({ bytes }) => {
    const libraries = object(parsed(bytes), "libraries");
    const found = Object.entries(libraries ?? {}).flatMap(([key, value]): FoundPackage[] => {
      const slash = key.lastIndexOf("/");
      if (slash < 1 || !isJsonObject(value) || value["type"] !== "package") return [];
      return [{ type: "nuget", name: key.slice(0, slash), version: key.slice(slash + 1), licences: [] }];
    });
    return packages(found);
  },
};

/** `vendor/composer/installed.json`, as Composer 1 (a list) and 2 write it. */
export const composerInstalled: Detector = {
  name: "composer",
  maxBytes: MAX_BYTES,
  read: ({ bytes }) => {
    const json = parsed(bytes);
    const listed = Array.isArray(json) ? json : isJsonObject(json) ? json["packages"] : undefined;
    const found = (Array.isArray(listed) ? listed : []).flatMap((one: Json): FoundPackage[] => {
      if (!isJsonObject(one) || typeof one["name"] !== "string" || typeof one["version"] !== "string") return [];
      const [namespace, name] = one["name"].split("/");
      if (namespace === undefined || name === undefined || name === "") return [];
      return [
        {
          type: "composer",
          namespace,
          name,
          version: one["version"].replace(/^v(?=\d)/, ""),
          licences: texts(one["license"]),
        },
      ];
    });
    return packages(found);
  },
};

/** `conda-meta/NAME-VERSION-BUILD.json`. */
export const condaPackage: Detector = {
  name: "conda",
  maxBytes: MAX_BYTES,
  read: ({ bytes }) => {
    const json = parsed(bytes);
    if (!isJsonObject(json)) return NOTHING;
    const { name, version, build, license } = json;
    if (typeof name !== "string" || typeof version !== "string") return NOTHING;
    const qualifiers = typeof build === "string" && build !== "" ? { qualifiers: { build } } : {};
    return packages([{ type: "conda", name, version, ...qualifiers, licences: texts(license) }]);
  },
};

function packages(found: readonly FoundPackage[]): Findings {
  return found.length === 0 ? NOTHING : { facts: found.map((one) => ({ fact: "package", package: one })) };
}

function parsed(bytes: Buffer): Json {
  try {
    return JSON.parse(bytes.toString("utf8").replace(/^\ufeff/, "")) as Json;
  } catch {
    throw new Unreadable("it is not JSON");
  }
}

function object(json: Json, key: string): JsonObject | undefined {
  const value = isJsonObject(json) ? json[key] : undefined;
  return isJsonObject(value) ? value : undefined;
}

function texts(value: Json | undefined): string[] {
  const listed = Array.isArray(value) ? value : [value];
  return listed.filter((one: unknown) => typeof one === "string" && one !== "" && one.length < 300);
}
