// An entry with the values that somebody gave it: what its command, environment and volumes are then.
import type { ServerEntry } from "@pratique/contracts";
import { isJsonObject, type Json, type JsonObject } from "@pratique/core";
import { boundedPattern } from "./bounded-pattern.ts";
import { catalogErrors } from "./errors.ts";

export interface FilledEntry {
  /** Arguments after what starts the image. */
  readonly command: readonly string[] | undefined;
  readonly env: Readonly<Record<string, string>>;
  readonly volumes: readonly string[];
  /** Of a remote server. */
  readonly url: string | undefined;
  readonly headers: Readonly<Record<string, string>>;
}

const PLACE = /\{\{\s*([^{}]+?)\s*\}\}/g;

/**
 * Puts values in the places `{{key}}` (`{{a.b}}` is a path). What is exactly one place takes a list as so many elements.
 * An element or variable whose value is not given is left out.
 * @throws `catalog.values-invalid` when they do not fit the entry's schema, or a place of an address has no value
 */
export async function fillEntry(entry: ServerEntry, values: JsonObject): Promise<FilledEntry> {
  const { name, image, remote, config } = entry;
  const given = config === undefined ? values : await checked(name, config, values);
  const list = (texts: readonly string[]): string[] => texts.flatMap((text) => expanded(text, given));
  const texts = (record: Readonly<Record<string, string>>): Record<string, string> =>
    Object.fromEntries(
      Object.entries(record).flatMap(([key, text]): [string, string][] => {
        const value = single(text, given);
        return value === undefined ? [] : [[key, value]];
      }),
    );
  const url = remote === undefined ? undefined : single(remote.url, given);
  if (remote !== undefined && url === undefined) {
    throw catalogErrors("catalog.values-invalid", { name, detail: "its address has a place without a value" });
  }
  return {
    command: image?.command === undefined ? undefined : list(image.command),
    env: texts(entry.env),
    volumes: list(entry.volumes),
    url,
    headers: texts(remote?.headers ?? {}),
  };
}

/** With the schema's defaults. */
async function checked(name: string, schema: JsonObject, values: JsonObject): Promise<JsonObject> {
  const invalid = (detail: string, cause?: unknown): Error =>
    catalogErrors("catalog.values-invalid", { name, detail }, cause === undefined ? {} : { cause });
  // Heavy, and only entries with a schema need it.
  const { Ajv2020 } = await import("ajv/dist/2020.js");
  const copy: JsonObject = JSON.parse(JSON.stringify(values));
  let validate: ReturnType<InstanceType<typeof Ajv2020>["compile"]>;
  try {
    // Others' schemas know keywords and formats of their own. Nothing is fetched: a reference outward does not compile.
    // `code` stands in for what generated code would be printed as; none is.
    const regExp = Object.assign(boundedPattern, { code: "boundedPattern" });
    const ajv = new Ajv2020({
      strict: false,
      validateFormats: false,
      useDefaults: true,
      logger: false,
      code: { regExp },
    });
    const { $schema: _, ...rest } = schema;
    validate = ajv.compile(rest);
  } catch (cause) {
    throw invalid("its config schema cannot be used", cause);
  }
  if (validate(copy)) return copy;
  const [error] = validate.errors ?? [];
  throw invalid(
    `${(error?.instancePath ?? "").slice(1).replaceAll("/", ".") || "the values"} ${error?.message ?? "do not fit"}`,
  );
}

function expanded(text: string, values: JsonObject): string[] {
  const lists = [...text.matchAll(PLACE)].map(([, key = ""]) => valueAt(values, key));
  const length = lists.find((value) => isList(value))?.length;
  if (length === undefined) {
    const value = single(text, values);
    return value === undefined ? [] : [value];
  }
  // `{{paths}}:{{paths}}`: the places go through their lists side by side.
  const rows = Array.from({ length }, (_, at) =>
    replaced(text, (key) => {
      const value = valueAt(values, key);
      return textOf(isList(value) ? value[at] : value);
    }),
  );
  return rows.filter((row) => row !== undefined);
}

function single(text: string, values: JsonObject): string | undefined {
  return replaced(text, (key) => {
    const value = valueAt(values, key);
    return isList(value) ? value.map((one) => textOf(one) ?? "").join(",") : textOf(value);
  });
}

/** Undefined as soon as one place has no value. */
function replaced(text: string, valueOf: (key: string) => string | undefined): string | undefined {
  let isWhole = true;
  const result = text.replace(PLACE, (_, key: string) => {
    const value = valueOf(key);
    if (value === undefined) isWhole = false;
    return value ?? "";
  });
  return isWhole ? result : undefined;
}

function valueAt(values: JsonObject, key: string): Json | undefined {
  const whole = own(values, key);
  if (whole !== undefined) return whole;
  let value: Json | undefined = values;
  for (const part of key.split(".")) value = isJsonObject(value) ? own(value, part) : undefined;
  return value;
}

function own(values: JsonObject, key: string): Json | undefined {
  return Object.hasOwn(values, key) ? values[key] : undefined;
}

function textOf(value: Json | undefined): string | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value === "string") return value;
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

function isList(value: Json | undefined): value is readonly Json[] {
  return Array.isArray(value);
}
