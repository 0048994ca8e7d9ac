// What connecting a client comes to: files to write, keys to set in JSON files, and what has to be said.

/** A file that is ours alone. */
export interface WholeFile {
  readonly kind: "whole";
  readonly path: string;
  readonly text: string;
  readonly mode: number;
}

/** One value in a JSON file that others write to as well. */
export interface JsonEntry {
  /** Keys from the top. */
  readonly at: readonly string[];
  readonly value: unknown;
}

export interface JsonFile {
  readonly kind: "json";
  readonly path: string;
  readonly entries: readonly JsonEntry[];
  /** Of a file that is not there yet. */
  readonly mode: number;
}

export interface Plan {
  readonly files: readonly (WholeFile | JsonFile)[];
  /** What a person should know: what to do next. */
  readonly notes: readonly string[];
  /** What stays possible past Pratique. */
  readonly gaps: readonly string[];
}

/** What there is to connect to. */
export interface Target {
  /** Host and port of the daemon. */
  readonly host: string;
  /** `http://host`. */
  readonly url: string;
  /** Hosts that it pulls through. */
  readonly upstreams: readonly string[];
  readonly token: string;
}

/** What Docker and podman keep for a registry: a name and a password, in base64. */
export function authEntry({ host, token }: Target): JsonEntry {
  return { at: ["auths", host], value: { auth: Buffer.from(`pratique:${token}`).toString("base64") } };
}
