// What only we look for: weights, skills and MCP servers among the files of an image or a directory.
import { isJsonObject, type Json, type JsonObject } from "@pratique/core";
import { parse as parseYaml } from "yaml";
import { NOTHING, type Detector, type FoundPackage } from "../facts.ts";
import { isModelHead, MODEL_HEAD_BYTES, modelPackages } from "./model-packages.ts";

/** `*.gguf` and `*.safetensors`, of any size: only the header is read. */
export const modelWeights: Detector = {
  name: "model",
  maxBytes: Number.MAX_SAFE_INTEGER,
  headBytes: MODEL_HEAD_BYTES,
  read: ({ path, bytes }) => {
    const found = isModelHead(bytes) ? modelPackages(path, bytes) : [];
    return found.length === 0 ? NOTHING : { facts: found.map((one) => ({ fact: "package", package: one })) };
  },
};

/** `SKILL.md`: the front matter names the skill (agentskills.io). */
export const skillFile: Detector = {
  name: "skill",
  maxBytes: 4 * 1024 ** 2,
  read: ({ path, bytes }) => {
    const head = /^\ufeff?---\r?\n([^]{0,65536}?)\r?\n---(?:\r?\n|$)/.exec(bytes.toString("utf8"))?.[1];
    const front = head === undefined ? undefined : yamlObject(head);
    const found = front === undefined ? undefined : skillOf(front, path);
    return found === undefined ? NOTHING : { facts: [{ fact: "package", package: found }] };
  },
};

function skillOf(front: JsonObject, path: string): FoundPackage | undefined {
  const { name, license, metadata } = front;
  const stated = typeof name === "string" ? name : path.split("/").at(-2);
  if (stated === undefined || !/^[A-Za-z0-9][\w.-]{0,127}$/.test(stated)) return undefined;
  const version = text(front["version"]) ?? (isJsonObject(metadata) ? text(metadata["version"]) : undefined);
  const author = isJsonObject(metadata) ? text(metadata["author"]) : undefined;
  return {
    type: "agentskills",
    name: stated,
    version: version ?? "",
    licences: typeof license === "string" && license.length < 200 ? [license] : [],
    ...(author === undefined ? {} : { supplier: author }),
  };
}

/** `server.json` of the MCP registry: the server, and the packages that it is. */
export const mcpServerFile: Detector = {
  name: "mcp-server",
  maxBytes: 1024 ** 2,
  read: ({ bytes }) => {
    let json: unknown;
    try {
      json = JSON.parse(bytes.toString("utf8"));
    } catch {
      // Others have files of this name; only the registry's own form is meant.
      return NOTHING;
    }
    const found = isJsonObject(json) ? serverOf(json) : undefined;
    return found === undefined ? NOTHING : { facts: [{ fact: "package", package: found }] };
  },
};

const SCHEMA = /modelcontextprotocol\.io\/schemas\/[^/]+\/server\.schema\.json$/;

/** @param json a server.json, from wherever */
export function serverOf(json: JsonObject): FoundPackage | undefined {
  const { name, $schema: schema, packages, version } = json;
  if (typeof name !== "string" || !/^[A-Za-z0-9.-]{1,200}\/[A-Za-z0-9._-]{1,100}$/.test(name)) return undefined;
  const isMeant = (typeof schema === "string" && SCHEMA.test(schema)) || Array.isArray(packages);
  if (!isMeant) return undefined;
  const [namespace = "", own = ""] = name.split("/");
  const identifiers = (Array.isArray(packages) ? packages : []).map((one: Json) =>
    isJsonObject(one) ? text(one["identifier"]) : undefined,
  );
  return {
    type: "generic",
    namespace: `mcp/${namespace}`,
    name: own,
    version: text(version) ?? "",
    licences: [],
    needs: identifiers.filter((one) => one !== undefined),
  };
}

function text(value: Json | undefined): string | undefined {
  if (typeof value === "number") return String(value);
  return typeof value === "string" && value !== "" && value.length <= 200 ? value : undefined;
}

function yamlObject(source: string): JsonObject | undefined {
  try {
    const value: unknown = parseYaml(source, { maxAliasCount: 0, logLevel: "silent" });
    return isJsonObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
