// The one error class, and how a package declares its closed list of codes.
import type { Json } from "./json.ts";
import { redactText } from "./redact.ts";

/** What an error code means: HTTP status, the sentence, and the next step. `{name}` is filled from parameters. */
export interface ErrorDefinition {
  readonly status: number;
  readonly text: string;
  readonly hint?: string;
}

export interface ErrorOptions {
  readonly code: string;
  readonly message: string;
  readonly hint?: string | undefined;
  /** HTTP status; the CLI turns 403 into exit code 3. */
  readonly status?: number;
  readonly details?: Json | undefined;
  readonly cause?: unknown;
}

/** A failure somebody can act on: a stable dotted code, one sentence, and the next step. */
export class PratiqueError<Code extends string = string> extends Error {
  readonly code: Code;
  readonly hint: string | undefined;
  readonly status: number;
  readonly details: Json | undefined;

  constructor(options: ErrorOptions & { readonly code: Code }) {
    super(redactText(options.message), options.cause === undefined ? {} : { cause: options.cause });
    this.name = "PratiqueError";
    this.code = options.code;
    this.hint = options.hint === undefined ? undefined : redactText(options.hint);
    this.status = options.status ?? 500;
    this.details = options.details;
  }
}

/** Parameters for the placeholders of a definition, and what goes with the error. */
export interface RaiseOptions {
  readonly hint?: string;
  readonly details?: Json;
  readonly cause?: unknown;
}

/** Makes an error of one of the table's codes. */
export interface ErrorFactory<Code extends string> {
  (code: Code, params?: Readonly<Record<string, string | number>>, options?: RaiseOptions): PratiqueError<Code>;
  readonly definitions: Readonly<Record<Code, ErrorDefinition>>;
}

function fill(template: string, params: Readonly<Record<string, string | number>>): string {
  return template.replace(/\{(\w+)\}/g, (whole, name: string) => String(params[name] ?? whole));
}

/**
 * Declares a package's error codes once; `docs/reference/errors.md` is generated from these tables.
 * Codes are dotted, lower case, noun first: `artifact.not-cleared`.
 */
export function defineErrors<Code extends string>(
  definitions: Readonly<Record<Code, ErrorDefinition>>,
): ErrorFactory<Code> {
  const make = (
    code: Code,
    params: Readonly<Record<string, string | number>> = {},
    options: RaiseOptions = {},
  ): PratiqueError<Code> => {
    const definition = definitions[code];
    const hint = options.hint ?? definition.hint;
    return new PratiqueError({
      code,
      message: fill(definition.text, params),
      hint: hint === undefined ? undefined : fill(hint, params),
      status: definition.status,
      details: options.details,
      cause: options.cause,
    });
  };
  return Object.assign(make, { definitions });
}

/** True for an error with a stable code, optionally a given one. */
export function isPratiqueError(value: unknown, code?: string): value is PratiqueError {
  return value instanceof PratiqueError && (code === undefined || value.code === code);
}
