// The inputs of server.json (schema 2025-12-11: arguments, variables, headers) in an entry's words.
import type { JsonObject } from "@pratique/core";
import { flag, object, objects, present, text, texts } from "../loose.ts";
import type { EntryInput } from "./entry-format.ts";

type Properties = Record<string, NonNullable<EntryInput["config"]>>;
type SecretInput = NonNullable<EntryInput["secrets"]>[number];

/** What somebody has to be asked for, gathered while an entry is read. */
export class Asked {
  readonly server: string;
  readonly env: Record<string, string> = {};
  readonly headers: Record<string, string> = {};
  readonly secrets: SecretInput[] = [];
  readonly command: string[] = [];
  readonly #properties = new Map<string, NonNullable<EntryInput["config"]>>();
  readonly #required = new Set<string>();

  constructor(server: string) {
    this.server = server;
  }

  variable(input: JsonObject): void {
    const name = text(input, "name", 200);
    if (name === undefined) return;
    if (isSecret(input)) {
      this.secrets.push(this.#secret(name, input, { env: name }));
      return;
    }
    const value = this.#value(name, input);
    if (value !== undefined && value.length <= 8000) this.env[name] = value;
  }

  header(input: JsonObject): void {
    const name = text(input, "name", 200);
    if (name === undefined) return;
    if (isSecret(input)) {
      const value = text(input, "value", 500)?.replace(/\{[^{}]+\}/, "{}");
      const isTemplate = value?.includes("{}") === true;
      this.secrets.push(this.#secret(name, input, { header: { name, value: isTemplate ? value : "{}" } }));
      return;
    }
    const value = this.#value(name, input);
    if (value !== undefined && value.length <= 4000) this.headers[name] = value;
  }

  argument(input: JsonObject, at: number): void {
    const isNamed = text(input, "type") === "named";
    const name = text(input, "name", 200);
    // A secret has no place in argv: whoever packs it must find another way in.
    if (isSecret(input) || (isNamed && name === undefined)) return;
    const key = (name ?? text(input, "valueHint", 100) ?? `argument${at + 1}`).replace(/^-+/, "");
    const hasValue = ["value", "default", "variables", "valueHint", "format", "choices"].some((one) => one in input);
    if (isNamed && !hasValue && flag(input, "isRequired") !== true) {
      this.command.push(name!);
      return;
    }
    const value = this.#value(key, input);
    // "A command-line --flag={value}" (NamedArgument).
    if (value !== undefined) this.command.push(isNamed ? `${name}=${value}` : value);
  }

  /** Variables of an address. */
  address(address: string, variables: JsonObject | undefined): string {
    return this.#filled(address, variables, undefined);
  }

  get config(): EntryInput["config"] {
    if (this.#properties.size === 0) return undefined;
    const properties: Properties = Object.fromEntries(this.#properties);
    return { type: "object", properties, ...(this.#required.size === 0 ? {} : { required: [...this.#required] }) };
  }

  /** Fixed, or a place to fill in. */
  #value(key: string, input: JsonObject): string | undefined {
    const value = text(input, "value", 4000);
    if (value !== undefined) return this.#filled(value, object(input, "variables"), key);
    return this.#ask(key, input);
  }

  #filled(value: string, variables: JsonObject | undefined, prefix: string | undefined): string {
    return value.replace(/\{([^{}]+)\}/g, (whole, name: string) => {
      const variable = object(variables, name);
      // "If an identifier in braces is not found in variables the substring should remain unchanged."
      if (variable === undefined) return whole;
      return text(variable, "value", 1000) ?? this.#ask(prefix === undefined ? name : `${prefix}_${name}`, variable);
    });
  }

  #ask(name: string, input: JsonObject): string {
    const key = name.replace(/[^A-Za-z0-9_-]/g, "_").slice(0, 100);
    const [description, preset] = [text(input, "description"), text(input, "default", 4000)];
    const choices = texts(input, "choices", 200, 1000);
    const isList = flag(input, "isRepeated") === true;
    const type = { number: "number", boolean: "boolean" }[text(input, "format") ?? ""] ?? "string";
    const single = { type, ...(choices.length === 0 ? {} : { enum: choices }) };
    this.#properties.set(key, {
      ...(isList ? { type: "array", items: single } : single),
      ...(description === undefined ? {} : { description }),
      ...(preset === undefined ? {} : { default: preset }),
    });
    if (flag(input, "isRequired") === true) this.#required.add(key);
    return `{{${key}}}`;
  }

  #secret(name: string, input: JsonObject, place: Pick<SecretInput, "env" | "header">): SecretInput {
    const description = text(input, "description");
    const own = `${this.server}.${name.toLowerCase().replace(/[^a-z0-9_.-]+/g, "_")}`.slice(0, 200);
    return {
      name: own,
      ...place,
      ...(description === undefined ? {} : { description }),
      required: flag(input, "isRequired") === true,
    };
  }
}

function isSecret(input: JsonObject): boolean {
  if (flag(input, "isSecret") === true) return true;
  return Object.values(object(input, "variables") ?? {}).some(
    (one) => typeof one === "object" && one !== null && "isSecret" in one && one.isSecret === true,
  );
}

/** An entry's environment and secrets as `environmentVariables`. */
export function writeVariables(
  env: Readonly<Record<string, string>>,
  secrets: readonly SecretInput[],
  config: JsonObject | undefined,
): JsonObject[] {
  const plain = Object.entries(env).map(([name, value]) => present({ name, ...writeValue(value, config) }));
  const secret = secrets.flatMap(({ env: name, description, required }) =>
    name === undefined
      ? []
      : [present({ name, description, isRequired: required === false ? undefined : true, isSecret: true })],
  );
  return [...plain, ...secret];
}

/** An entry's headers as those of a remote. */
export function writeHeaders(headers: Readonly<Record<string, string>>, secrets: readonly SecretInput[]): JsonObject[] {
  const plain = Object.entries(headers).map(([name, value]) => ({ name, value: single(value) }));
  const secret = secrets.flatMap(({ header, description, required }) => {
    if (header === undefined) return [];
    const isTemplate = header.value !== undefined && header.value !== "{}";
    return [
      present({
        name: header.name,
        description,
        isRequired: required === false ? undefined : true,
        isSecret: true,
        value: isTemplate ? header.value!.replace("{}", "{secret}") : undefined,
        variables: isTemplate ? { secret: { isSecret: true } } : undefined,
      }),
    ];
  });
  return [...plain, ...secret];
}

export function writeArguments(command: readonly string[], config: JsonObject | undefined): JsonObject[] {
  return command.map((argument, at) => {
    const [, name, value] = /^(--?[A-Za-z][\w-]*)=(.*)$/s.exec(argument) ?? [];
    if (name !== undefined && value !== undefined) return { type: "named", name, ...writeValue(value, config) };
    if (/^--?[A-Za-z]/.test(argument)) return { type: "named", name: argument };
    const key = wholeKey(argument);
    return { type: "positional", valueHint: key ?? `argument${at + 1}`, ...writeValue(argument, config) };
  });
}

function writeValue(value: string, config: JsonObject | undefined): JsonObject {
  const key = wholeKey(value);
  if (key !== undefined) return asked(key, config);
  const names = [...value.matchAll(/\{\{([^{}]+)\}\}/g)].map(([, name = ""]) => name);
  if (names.length === 0) return { value };
  return { value: single(value), variables: Object.fromEntries(names.map((name) => [name, asked(name, config)])) };
}

function asked(key: string, config: JsonObject | undefined): JsonObject {
  let schema: JsonObject | undefined = config;
  let isRequired = true;
  for (const part of key.split(".")) {
    isRequired &&= texts(schema, "required").includes(part);
    schema = object(object(schema, "properties"), part);
  }
  const isList = text(schema, "type") === "array";
  const one = isList ? object(schema, "items") : schema;
  const format = text(one, "type");
  const preset = schema?.["default"];
  return present({
    description: text(schema, "description"),
    isRequired: isRequired ? true : undefined,
    format: format === "number" || format === "boolean" ? format : undefined,
    default: typeof preset === "string" ? preset : undefined,
    choices: texts(one, "enum").length === 0 ? undefined : texts(one, "enum"),
    isRepeated: isList ? true : undefined,
  });
}

function single(value: string): string {
  return value.replace(/\{\{([^{}]+)\}\}/g, "{$1}");
}

function wholeKey(value: string): string | undefined {
  return /^\{\{([^{}]+)\}\}$/.exec(value)?.[1];
}

/** The variables of an address, asked for in the words of server.json. */
export function writeAddress(url: string, config: JsonObject | undefined): JsonObject {
  const names = [...url.matchAll(/\{\{([^{}]+)\}\}/g)].map(([, name = ""]) => name);
  if (names.length === 0) return { url };
  return { url: single(url), variables: Object.fromEntries(names.map((name) => [name, asked(name, config)])) };
}

/** Of the lists that hold inputs. */
export function inputsOf(from: JsonObject | undefined, key: string): JsonObject[] {
  return objects(from, key, 200);
}
