// `Mcp-Param-*`: arguments that a tool wants in headers too, so that those in between can read them (2026-07-28, Custom Headers).
import { isJsonObject, type Json, type JsonObject } from "@pratique/core";
import { decodeHeaderValue } from "./header-value.ts";

interface Mirrored {
  /** In lower case, as node:http gives headers. */
  readonly header: string;
  readonly path: readonly string[];
}

type Headers = Readonly<Record<string, string | readonly string[] | undefined>>;

const PREFIX = "mcp-param-";
const MIRRORED_LIMIT = 100;
const DEPTH = 16;
/** RFC 9110 §5.6.2 */
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

/** Headers that must reach the server behind the gateway, whether the gateway knows them or not. */
export function paramHeaders(headers: Headers): Readonly<Record<string, string>> {
  let found: Record<string, string> | undefined;
  for (const name in headers) {
    if (!name.startsWith(PREFIX)) continue;
    const value = headers[name];
    if (typeof value === "string") (found ??= {})[name] = value;
  }
  return found ?? NONE;
}

const NONE: Readonly<Record<string, string>> = {};

/** Looks at the arguments of a call and its headers; says what does not fit. */
export class ParamHeaders {
  /** A tool's schema stays the same object as long as the tool does. */
  readonly #known = new WeakMap<JsonObject, readonly Mirrored[]>();

  mismatch(tool: JsonObject, args: JsonObject, headers: Headers): string | undefined {
    const schema = tool["inputSchema"];
    if (!isJsonObject(schema)) return undefined;
    let mirrored = this.#known.get(schema);
    if (mirrored === undefined) this.#known.set(schema, (mirrored = mirroredOf(schema)));
    for (const { header, path } of mirrored) {
      const problem = compare(valueAt(args, path), headers[header], header);
      if (problem !== undefined) return problem;
    }
    return undefined;
  }
}

function compare(
  value: Json | undefined,
  header: string | readonly string[] | undefined,
  name: string,
): string | undefined {
  if (value === undefined || value === null)
    return header === undefined ? undefined : `${name} names an argument that the request has not`;
  if (typeof header !== "string") return `${name} is missing`;
  const said = decodeHeaderValue(header);
  if (said === undefined) return `${name} has invalid characters`;
  // Integers are compared as numbers: 42.0 is 42.
  const isSame = typeof value === "number" ? said.trim() !== "" && Number(said) === value : said === String(value);
  return isSame ? undefined : `${name} does not match the request`;
}

function valueAt(args: JsonObject, path: readonly string[]): Json | undefined {
  let at: Json | undefined = args;
  for (const key of path) {
    if (!isJsonObject(at) || !Object.hasOwn(at, key)) return undefined;
    at = at[key];
  }
  return at;
}

/** Annotated properties that are reached through `properties` alone; others make no header. */
function mirroredOf(schema: JsonObject, path: readonly string[] = [], found: Mirrored[] = []): readonly Mirrored[] {
  const properties = schema["properties"];
  if (!isJsonObject(properties) || path.length >= DEPTH) return found;
  for (const [key, property] of Object.entries(properties)) {
    if (!isJsonObject(property) || found.length >= MIRRORED_LIMIT) continue;
    const name = property["x-mcp-header"];
    if (typeof name === "string" && TOKEN.test(name))
      found.push({ header: PREFIX + name.toLowerCase(), path: [...path, key] });
    mirroredOf(property, [...path, key], found);
  }
  return found;
}
