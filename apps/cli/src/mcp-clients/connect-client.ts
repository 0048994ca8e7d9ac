// What connecting a client comes to: one entry in one file, with the token where only its owner reads it.
import { access } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { readConnection, type Connection, type WrittenEntry } from "../connect/connection.ts";
import { digestOfText, readIfThere } from "../connect/files.ts";
import { cliErrors } from "../errors.ts";
import { CLIENTS } from "./clients.ts";
import type { ClientPlaces } from "./client-places.ts";
import type { EntryPlace, Tree } from "./entry-format.ts";
import { entryIn, withEntry } from "./entry-text.ts";
import type { McpClient } from "./mcp-client.ts";

export interface ConnectRequest {
  readonly client: McpClient;
  readonly places: ClientPlaces;
  /** Directory of the project whose configuration it is; undefined: the person's own. */
  readonly project: string | undefined;
  /** Name of the entry. */
  readonly name: string;
  readonly url: string;
  readonly token: string;
  readonly variable: string | undefined;
  readonly isStdio: boolean;
  readonly bridge: { readonly command: string; readonly args: readonly string[] };
}

export interface PreparedEntry {
  readonly path: string;
  readonly text: string;
  readonly mode: number;
  readonly written: WrittenEntry;
  /** How the client reaches the gateway. */
  readonly via: "http" | "stdio";
  /** The token itself stands in the file. */
  readonly holdsToken: boolean;
  readonly variable: string | undefined;
}

/** @throws `connect.unknown-client` */
export function clientNamed(name: string): McpClient {
  const found = CLIENTS.find((client) => client.name === name);
  if (found === undefined)
    throw cliErrors("connect.unknown-client", {
      client: name.slice(0, 60),
      known: CLIENTS.map((one) => one.name).join(", "),
    });
  return found;
}

/** The file that counts. */
export async function fileOf(client: McpClient, places: ClientPlaces, project: string | undefined): Promise<string> {
  if (project !== undefined) {
    if (client.project !== undefined) return join(resolve(project), client.project);
    throw cliErrors("connect.no-project", { client: client.title });
  }
  const candidates = client.user(places);
  for (const path of candidates) if (await isThere(path)) return path;
  // None yet: the one whose program is there.
  for (const path of candidates) if (await isThere(dirname(path))) return path;
  return candidates[0] ?? "";
}

/** Reads what is there, writes nothing. @throws `connect.unreadable`, `connect.taken`, `connect.no-reference` */
export async function prepareEntry(request: ConnectRequest): Promise<PreparedEntry> {
  const { client, places, project, name } = request;
  const path = await fileOf(client, places, project);
  const found = await readIfThere(path);
  const before = found?.text ?? "";
  const place: EntryPlace = { at: client.at, name, ...(client.isList === true ? { isList: true } : {}) };
  if (entryIn(client.format, before, place, path) !== undefined) throw cliErrors("connect.taken", { file: path, name });
  const { value, via, holdsToken, variable } = valueFor(request);
  const text = withEntry(client.format, before, place, value, path);
  const mode = holdsToken ? 0o600 : (found?.mode ?? (project === undefined ? 0o600 : 0o644));
  const written: WrittenEntry = {
    kind: "entry",
    path: found?.path ?? path,
    digest: digestOfText(text),
    format: client.format,
    at: [...client.at],
    name,
    isList: client.isList === true,
    madeHolder: holderIn(client, before, path) === undefined,
    ...(found === undefined ? {} : { original: found.text, mode: found.mode }),
  };
  return { path: found?.path ?? path, text, mode, written, via, holdsToken, variable };
}

function holderIn(client: McpClient, text: string, path: string): unknown {
  const [last = ""] = client.at.slice(-1);
  return entryIn(client.format, text, { at: client.at.slice(0, -1), name: last }, path);
}

interface Value {
  readonly value: Tree;
  readonly via: "http" | "stdio";
  readonly holdsToken: boolean;
  readonly variable: string | undefined;
}

/** What a project's file holds goes to others with it: the token itself never stands there. */
function valueFor({ client, project, name, url, token, variable, isStdio, bridge }: ConnectRequest): Value {
  const stdio = (): Value => ({
    value: client.stdio({ name, ...bridge }),
    via: "stdio",
    holdsToken: false,
    variable: undefined,
  });
  const { http, reference } = client;
  if (isStdio || http === undefined) return stdio();
  if (variable !== undefined && reference === undefined)
    throw cliErrors("connect.no-reference", { client: client.title });
  const wanted = variable ?? (project === undefined ? undefined : "PRATIQUE_TOKEN");
  if (wanted === undefined) {
    const value = http({ name, url, authorization: `Bearer ${token}`, variable: undefined });
    return { value, via: "http", holdsToken: true, variable: undefined };
  }
  if (reference === undefined) return stdio();
  const value = http({ name, url, authorization: `Bearer ${reference(wanted)}`, variable: wanted });
  return { value, via: "http", holdsToken: false, variable: wanted };
}

export interface ClientState {
  readonly client: McpClient;
  readonly file: string;
  readonly isInstalled: boolean;
  readonly connection: Connection | undefined;
}

export async function clientStates(home: string, places: ClientPlaces): Promise<ClientState[]> {
  return await Promise.all(
    CLIENTS.map(async (client) => {
      const file = await fileOf(client, places, undefined);
      const signs = client.signs?.(places) ?? client.user(places).map((path) => dirname(path));
      const there = await Promise.all(signs.map(isThere));
      const connection = await readConnection(home, recordName(client));
      return { client, file, isInstalled: there.some(Boolean), connection };
    }),
  );
}

/** Of the record of what was written. */
export function recordName({ name }: McpClient): string {
  return `gateway-${name}`;
}

function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
