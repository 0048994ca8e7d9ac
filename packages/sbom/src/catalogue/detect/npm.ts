// npm packages as they are installed: each one's package.json.
import { isJsonObject, type Json, type JsonObject } from "@pratique/core";
import { NOTHING, Unreadable, type Detector, type FoundPackage } from "../facts.ts";

const NAME = /^(?:@[^/\s@]+\/)?[^/\s@][^/\s]*$/;

export const npmPackage: Detector = {
  name: "npm",
  maxBytes: 16 * 1024 ** 2,
  read: ({ bytes }) => {
    const json = parsed(bytes);
    // `{"type": "module"}` and the like mark directories; they are no packages.
    const found = isJsonObject(json) ? npmPackageOf(json) : undefined;
    return found === undefined ? NOTHING : { facts: [{ fact: "package", package: found }] };
  },
};

function parsed(bytes: Buffer): Json {
  try {
    return JSON.parse(bytes.toString("utf8").replace(/^\ufeff/, "")) as Json;
  } catch {
    throw new Unreadable("it is not JSON");
  }
}

export function npmPackageOf(json: JsonObject): FoundPackage | undefined {
  const { name, version } = json;
  if (typeof name !== "string" || typeof version !== "string" || version === "") return undefined;
  if (name.length > 214 * 2 || version.length > 256 || !NAME.test(name)) return undefined;
  return {
    ...splitNpmName(name),
    type: "npm",
    version: version.trim(),
    licences: licencesOf(json),
    ...supplierOf(json["author"]),
    needs: [...keysOf(json["dependencies"]), ...keysOf(json["optionalDependencies"])],
  };
}

export function splitNpmName(name: string): { namespace?: string; name: string } {
  const slash = name.indexOf("/");
  return name.startsWith("@") && slash > 1
    ? { namespace: name.slice(0, slash), name: name.slice(slash + 1) }
    : { name };
}

/** `license` today; `{ type }` and `licenses: [{ type }]` in old ones. */
function licencesOf(json: JsonObject): string[] {
  const stated = Array.isArray(json["licenses"]) ? json["licenses"] : [json["license"] ?? json["licenses"]];
  const found = stated.map((one) => (isJsonObject(one) ? one["type"] : one));
  return found
    .filter((one) => typeof one === "string")
    .map((one) => one.trim())
    .filter((one) => one !== "" && one.length < 300);
}

function supplierOf(author: Json | undefined): { supplier?: string } {
  const name = isJsonObject(author) ? author["name"] : author;
  return typeof name === "string" && name !== "" && name.length < 300 ? { supplier: name } : {};
}

function keysOf(value: Json | undefined): string[] {
  return isJsonObject(value)
    ? Object.keys(value)
        .slice(0, 2000)
        .filter((key) => key.length <= 256)
    : [];
}
