// What Python's tools resolved: requirements.txt, poetry.lock, uv.lock, pdm.lock, pylock.toml, Pipfile.lock. Only exact versions count.
import { isJsonObject, type Json, type JsonObject } from "@pratique/core";
import { parse as parseToml } from "smol-toml";
import { pythonName } from "../detect/python.ts";
import { Unreadable, type Detector, type FoundPackage } from "../facts.ts";
import { packagesIn } from "./found-in-lock.ts";
import { jsonObject } from "./npm-locks.ts";

const MAX_BYTES = 32 * 1024 ** 2;

/** `requirements*.txt`: lines `name[extra]==1.0 ; marker`, with hashes in lines that go on. */
export const requirements: Detector = {
  name: "requirements",
  maxBytes: 4 * 1024 ** 2,
  read: ({ path, bytes }) => {
    const isDevelopment = /(?:dev|test|lint|docs?)[^/]*\.txt$/.test(path);
    const unread: string[] = [];
    const found: FoundPackage[] = [];
    for (const line of bytes
      .toString("utf8")
      .replace(/\\\r?\n/g, " ")
      .split(/\r?\n/)) {
      // Runs of spaces would make the pattern below slow.
      const text = line
        .replace(/\s+/g, " ")
        .replace(/(?:^| )#.*$/, "")
        .trim();
      const match = /^([A-Za-z0-9][A-Za-z0-9._-]*)\s*(?:\[[^\]]*\])?\s*(?:===?)\s*([^\s;,*]+)\s*(?:;|$|\s--hash)/.exec(
        text,
      );
      if (match?.[1] !== undefined && match[2] !== undefined) {
        const sha256 = [...text.matchAll(/--hash=sha256:([0-9a-f]{64})/g)].map((hash) => hash[1] ?? "");
        found.push({
          type: "pypi",
          name: match[1],
          version: match[2],
          licences: [],
          scope: isDevelopment ? "development" : "runtime",
          // Several hashes are those of several files of which one is installed.
          ...(sha256.length === 1 && sha256[0] !== undefined ? { hashes: { SHA256: sha256[0] } } : {}),
        });
      } else if (text !== "" && !text.startsWith("-"))
        unread.push(`it does not say which version of ${text.slice(0, 60)}`);
    }
    return { ...packagesIn(found), unread };
  },
};

/** `poetry.lock`, `uv.lock`, `pdm.lock` (`[[package]]`) and `pylock.toml` (`[[packages]]`, PEP 751). */
export const tomlLock: Detector = {
  name: "python-lock",
  maxBytes: MAX_BYTES,
  read: ({ bytes }) => {
    const lock = tomlObject(bytes.toString("utf8"));
    const listed = lock["package"] ?? lock["packages"];
    return packagesIn((Array.isArray(listed) ? listed : []).map(lockedPackage));
  },
};

function lockedPackage(one: Json): FoundPackage | undefined {
  if (!isJsonObject(one)) return undefined;
  const { name, version, source, category, groups, dependencies } = one;
  if (typeof name !== "string" || typeof version !== "string") return undefined;
  // uv lists the project itself, as a directory.
  if (isJsonObject(source) && ("virtual" in source || "editable" in source || "directory" in source)) return undefined;
  const listedGroups = Array.isArray(groups) ? groups : undefined;
  const isDevelopment =
    category === "dev" || (listedGroups !== undefined && listedGroups.length > 0 && !listedGroups.some(isMain));
  return {
    type: "pypi",
    name,
    version,
    licences: [],
    scope: isDevelopment ? "development" : "runtime",
    needs: needsOf(dependencies),
  };
}

const isMain = (group: Json): boolean => group === "main" || group === "default";

/** A table of names (poetry), a list of tables (uv) or of requirements (pdm). */
function needsOf(dependencies: Json | undefined): string[] {
  if (Array.isArray(dependencies)) {
    const names = dependencies.map((one: Json) => (isJsonObject(one) ? one["name"] : one));
    return names
      .map((one) => (typeof one === "string" ? /^[A-Za-z0-9._-]+/.exec(one)?.[0] : undefined))
      .filter((one) => one !== undefined)
      .map(pythonName);
  }
  return isJsonObject(dependencies) ? Object.keys(dependencies).map(pythonName) : [];
}

/** `Pipfile.lock`: `default` and `develop`, versions as `==1.0`. */
export const pipfileLock: Detector = {
  name: "pipfile-lock",
  maxBytes: MAX_BYTES,
  read: ({ bytes }) => {
    const lock = jsonObject(bytes.toString("utf8"));
    return packagesIn([...pipfileGroup(lock["default"], "runtime"), ...pipfileGroup(lock["develop"], "development")]);
  },
};

function pipfileGroup(group: Json | undefined, scope: "runtime" | "development"): FoundPackage[] {
  if (!isJsonObject(group)) return [];
  return Object.entries(group).flatMap(([name, one]): FoundPackage[] => {
    const version = isJsonObject(one) ? one["version"] : undefined;
    if (typeof version !== "string" || !version.startsWith("==")) return [];
    return [{ type: "pypi", name, version: version.replace(/^===?/, ""), licences: [], scope }];
  });
}

export function tomlObject(text: string): JsonObject {
  let value: unknown;
  try {
    value = parseToml(text);
  } catch {
    throw new Unreadable("it is not TOML");
  }
  if (!isJsonObject(value)) throw new Unreadable("it is no TOML table");
  return value;
}
