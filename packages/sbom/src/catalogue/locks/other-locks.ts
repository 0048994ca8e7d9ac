// What Cargo, Go, Bundler, Composer and Gradle resolved.
import { isJsonObject, type Json } from "@pratique/core";
import { goModule } from "../binary/go-build-info.ts";
import type { Detector, FoundPackage } from "../facts.ts";
import { packagesIn } from "./found-in-lock.ts";
import { jsonObject } from "./npm-locks.ts";
import { tomlObject } from "./python-locks.ts";

const MAX_BYTES = 32 * 1024 ** 2;

/** `Cargo.lock`; crates without a source are the workspace's own. */
export const cargoLock: Detector = {
  name: "cargo-lock",
  maxBytes: MAX_BYTES,
  read: ({ bytes }) => {
    const listed = tomlObject(bytes.toString("utf8"))["package"];
    return packagesIn(
      (Array.isArray(listed) ? listed : []).map((one: Json): FoundPackage | undefined => {
        if (!isJsonObject(one) || typeof one["name"] !== "string" || typeof one["version"] !== "string")
          return undefined;
        const { name, version, checksum, dependencies } = one;
        const needs = Array.isArray(dependencies) ? dependencies.filter((need) => typeof need === "string") : [];
        return {
          type: "cargo",
          name,
          version,
          licences: [],
          // `name`, or `name 1.0.0` where there are several of it.
          needs: needs.map((need) => need.split(" ")[0] ?? need),
          ...(typeof checksum === "string" && /^[0-9a-f]{64}$/.test(checksum) ? { hashes: { SHA256: checksum } } : {}),
        };
      }),
    );
  },
};

/** `go.mod`: since Go 1.17 it names every module that is built; `replace` wins. */
export const goMod: Detector = {
  name: "go-mod",
  maxBytes: 4 * 1024 ** 2,
  read: ({ bytes }) => {
    const required = new Map<string, FoundPackage>();
    const replaced = new Map<string, FoundPackage | undefined>();
    let block = "";
    for (const line of bytes.toString("utf8").split(/\r?\n/)) {
      const text = line.replace(/\/\/.*$/, "").trim();
      const opening = /^(require|replace|exclude|retract)\s*\($/.exec(text);
      if (opening?.[1] !== undefined) block = opening[1];
      else if (text === ")") block = "";
      else {
        const single = /^(require|replace)\s+(.*)$/.exec(text);
        readGoLine(single?.[1] ?? block, single?.[2] ?? text, { required, replaced });
      }
    }
    return packagesIn([...required].map(([path, one]) => (replaced.has(path) ? replaced.get(path) : one)));
  },
};

function readGoLine(
  directive: string,
  text: string,
  into: { required: Map<string, FoundPackage>; replaced: Map<string, FoundPackage | undefined> },
): void {
  if (directive === "require") {
    const match = /^"?(\S+?)"?\s+(v\S+)$/.exec(text);
    if (match?.[1] !== undefined && match[2] !== undefined) into.required.set(match[1], goModule(match[1], match[2]));
  } else if (directive === "replace") {
    const match = /^(\S+)(?:\s+v\S+)?\s+=>\s+(\S+)(?:\s+(v\S+))?$/.exec(text);
    if (match?.[1] === undefined || match[2] === undefined) return;
    // A directory has no version: the module is the project's own.
    into.replaced.set(match[1], match[3] === undefined ? undefined : goModule(match[2], match[3]));
  }
}

/** `Gemfile.lock`: gems stand four spaces deep below `specs:`. */
export const gemfileLock: Detector = {
  name: "gemfile-lock",
  maxBytes: MAX_BYTES,
  read: ({ bytes }) => {
    const found: FoundPackage[] = [];
    let isGems = false;
    for (const line of bytes.toString("utf8").split(/\r?\n/)) {
      if (/^\S/.test(line)) isGems = line === "GEM";
      const match = /^ {4}([A-Za-z0-9._-]+) \(([^)\s]+)\)$/.exec(line);
      if (isGems && match?.[1] !== undefined && match[2] !== undefined) {
        found.push({ type: "gem", name: match[1], version: match[2], licences: [] });
      }
    }
    return packagesIn(found);
  },
};

export const composerLock: Detector = {
  name: "composer-lock",
  maxBytes: MAX_BYTES,
  read: ({ bytes }) => {
    const lock = jsonObject(bytes.toString("utf8"));
    return packagesIn([
      ...composerGroup(lock["packages"], "runtime"),
      ...composerGroup(lock["packages-dev"], "development"),
    ]);
  },
};

function composerGroup(group: Json | undefined, scope: "runtime" | "development"): FoundPackage[] {
  return (Array.isArray(group) ? group : []).flatMap((one: Json): FoundPackage[] => {
    if (!isJsonObject(one) || typeof one["name"] !== "string" || typeof one["version"] !== "string") return [];
    const [namespace, name] = one["name"].split("/");
    if (namespace === undefined || name === undefined) return [];
    const licences = Array.isArray(one["license"])
      ? one["license"].filter((licence) => typeof licence === "string")
      : [];
    return [{ type: "composer", namespace, name, version: one["version"].replace(/^v(?=\d)/, ""), licences, scope }];
  });
}

/** `gradle.lockfile`: `group:artifact:version=configurations`. */
export const gradleLock: Detector = {
  name: "gradle-lock",
  maxBytes: MAX_BYTES,
  read: ({ bytes }) => {
    const found: FoundPackage[] = [];
    for (const line of bytes.toString("utf8").split(/\r?\n/)) {
      const match = /^([^:#\s]+):([^:\s]+):([^=\s]+)=(.*)$/.exec(line);
      if (match?.[1] === undefined || match[2] === undefined || match[3] === undefined) continue;
      const isTest = (match[4] ?? "").split(",").every((configuration) => /^test/i.test(configuration));
      found.push({
        type: "maven",
        namespace: match[1],
        name: match[2],
        version: match[3],
        licences: [],
        scope: isTest ? "development" : "runtime",
      });
    }
    return packagesIn(found);
  },
};
