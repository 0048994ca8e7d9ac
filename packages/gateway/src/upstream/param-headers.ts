// Arguments that go into HTTP headers too: `x-mcp-header` in the schema of a tool.
// Revision 2026-07-28, basic/transports/streamable-http §custom headers from tool parameters.
import { isJsonObject, type Json, type JsonObject } from "@pratique/core";

export interface ParamHeader {
  /** `mcp-param-region` */
  readonly header: string;
  /** Names of properties, from the arguments down. */
  readonly path: readonly string[];
}

const ANNOTATION = "x-mcp-header";
/** `token` of RFC 9110 §5.6.2. */
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,128}$/;
const PRIMITIVE: readonly unknown[] = ["string", "integer", "boolean"];
/** Deeper, and in more places, no honest schema is; a schema comes from the server. */
const DEPTH_LIMIT = 64;
const HEADER_LIMIT = 64;

export type ParamHeaders =
  | { readonly valid: true; readonly headers: readonly ParamHeader[] }
  | { readonly valid: false; readonly reason: string };

const NONE: ParamHeaders = { valid: true, headers: [] };

/** The headers that a tool's schema asks for; a schema that asks wrongly makes the tool unusable over HTTP. */
export function paramHeaders(inputSchema: Json | undefined): ParamHeaders {
  if (!isJsonObject(inputSchema)) return NONE;
  const headers: ParamHeader[] = [];
  const reason = collect(inputSchema, [], true, headers) ?? duplicate(headers);
  return reason === undefined ? { valid: true, headers } : { valid: false, reason };
}

/** Walks the whole schema: an annotation that is not reached by `properties` alone is wrong wherever it stands. */
function collect(
  schema: JsonObject,
  path: readonly string[],
  isReachable: boolean,
  into: ParamHeader[],
): string | undefined {
  if (path.length > DEPTH_LIMIT) return "the schema nests too deeply";
  if (Object.hasOwn(schema, ANNOTATION)) {
    const name = schema[ANNOTATION];
    if (!isReachable || path.length === 0) return `${ANNOTATION} stands where no argument is`;
    if (typeof name !== "string" || !TOKEN.test(name)) return `${ANNOTATION} is no name of a header`;
    if (!PRIMITIVE.includes(schema["type"])) return `${ANNOTATION} is only for strings, integers and booleans`;
    if (into.length >= HEADER_LIMIT) return "too many headers";
    into.push({ header: `mcp-param-${name.toLowerCase()}`, path });
  }
  for (const [keyword, value] of Object.entries(schema)) {
    const isProperties = keyword === "properties" && isJsonObject(value);
    for (const [name, inner] of subschemas(keyword, value)) {
      const reason = collect(inner, [...path, name], isReachable && isProperties, into);
      if (reason !== undefined) return reason;
    }
  }
  return undefined;
}

/** Keywords whose members are schemas, by their names; of the others the value, or each of its elements. */
const NAMED: readonly string[] = ["properties", "patternProperties", "$defs", "definitions", "dependentSchemas"];
/** Values of these are data and no schemas. */
const DATA: readonly string[] = ["const", "default", "enum", "examples", "required", "type"];

function subschemas(keyword: string, value: Json | undefined): (readonly [string, JsonObject])[] {
  if (DATA.includes(keyword)) return [];
  const inner: readonly (readonly [string, Json | undefined])[] =
    NAMED.includes(keyword) && isJsonObject(value)
      ? Object.entries(value)
      : (Array.isArray(value) ? value : [value]).map((item: Json | undefined) => [keyword, item] as const);
  return inner.filter((entry): entry is readonly [string, JsonObject] => isJsonObject(entry[1]));
}

function duplicate(headers: readonly ParamHeader[]): string | undefined {
  const names = headers.map(({ header }) => header);
  return new Set(names).size === names.length ? undefined : `${ANNOTATION} names one header twice`;
}

/** The headers for a call with these arguments. */
export function paramHeaderValues(headers: readonly ParamHeader[], args: Json | undefined): Record<string, string> {
  const values: Record<string, string> = {};
  for (const { header, path } of headers) {
    const value = valueAt(args, path);
    if (typeof value === "string") values[header] = headerValue(value);
    else if (typeof value === "boolean" || Number.isSafeInteger(value)) values[header] = String(value);
  }
  return values;
}

function valueAt(args: Json | undefined, path: readonly string[]): Json | undefined {
  let value = args;
  for (const name of path) {
    if (!isJsonObject(value) || !Object.hasOwn(value, name)) return undefined;
    value = value[name];
  }
  return value;
}

/** Visible ASCII with blanks between; what would be taken for base64 must be base64. */
const PLAIN = /^(?:[\x21-\x7e](?:[\t\x20-\x7e]*[\x21-\x7e])?)?$/;
const SENTINEL = /^=\?base64\?.*\?=$/s;

/** A text as the value of `Mcp-Name` or `Mcp-Param-*` (§value encoding). */
export function headerValue(text: string): string {
  if (PLAIN.test(text) && !SENTINEL.test(text)) return text;
  return `=?base64?${Buffer.from(text, "utf8").toString("base64")}?=`;
}
