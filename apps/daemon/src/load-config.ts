// Reads `pratique.yaml` and the PRATIQUE_* overrides into one checked value.
import { readFile } from "node:fs/promises";
import { Config } from "@pratique/contracts";
import { parseDocument } from "yaml";
import type { z } from "zod";
import { daemonErrors } from "./errors.ts";
import { issueText, tellingIssue } from "./telling-issue.ts";

const LIMIT_BYTES = 1024 * 1024;

/** Environment variables that override keys. */
const OVERRIDES: Readonly<Record<string, readonly string[]>> = {
  PRATIQUE_LISTEN: ["listen"],
  PRATIQUE_LOG_LEVEL: ["log", "level"],
  PRATIQUE_POLICY_DIRECTORY: ["policy", "directory"],
  PRATIQUE_ENGINE_LLAMA_SERVER: ["engine", "llamaServer"],
  PRATIQUE_CONTAINER_SOCKET: ["container", "socket"],
};

/** The configuration: file, then environment, then what the command line says. @throws `config.invalid` */
export async function loadConfig(
  file: string,
  environment: Readonly<Record<string, string | undefined>>,
  listen: string | undefined,
): Promise<Config> {
  const values = await readYaml(file);
  for (const [name, path] of Object.entries(OVERRIDES)) {
    const value = environment[name];
    if (value !== undefined && value !== "") setPath(values, path, value);
  }
  if (environment["PRATIQUE_CONTAINER_ENABLED"] === "false") setPath(values, ["container", "enabled"], false);
  if (listen !== undefined) values["listen"] = listen;
  const parsed = Config.safeParse(values);
  if (parsed.success) return parsed.data;
  throw daemonErrors("config.invalid", { file, problem: describe(tellingIssue(parsed.error)) });
}

async function readYaml(file: string): Promise<Record<string, unknown>> {
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") return {};
    throw daemonErrors("config.invalid", { file, problem: (cause as Error).message }, { cause });
  }
  if (text.length > LIMIT_BYTES) throw daemonErrors("config.invalid", { file, problem: "larger than 1 MiB" });
  const document = parseDocument(text, { uniqueKeys: true });
  const error = document.errors[0];
  if (error !== undefined) throw daemonErrors("config.invalid", { file, problem: error.message.split("\n")[0]! });
  const values: unknown = document.toJS({ maxAliasCount: 20 });
  if (values === null || values === undefined) return {};
  if (typeof values !== "object" || Array.isArray(values)) {
    throw daemonErrors("config.invalid", { file, problem: "the top level is not a mapping" });
  }
  return values as Record<string, unknown>;
}

function setPath(values: Record<string, unknown>, path: readonly string[], value: unknown): void {
  let at = values;
  for (const key of path.slice(0, -1)) {
    const next = at[key];
    at = at[key] = typeof next === "object" && next !== null ? { ...next } : {};
  }
  at[path.at(-1)!] = value;
}

function describe(issue: z.core.$ZodIssue): string {
  const text = issueText(issue, "the document");
  const known = issue.code === "unrecognized_keys" ? knownKeys(issue.path.map(String)) : [];
  return `${text}${known.length === 0 ? "" : `; known here: ${known.join(", ")}`}`;
}

function knownKeys(path: readonly string[]): string[] {
  let schema: unknown = Config.toJSONSchema({ io: "input" });
  for (const key of ["", ...path].slice(1))
    schema = (schema as { properties?: Record<string, unknown> }).properties?.[key];
  return Object.keys((schema as { properties?: Record<string, unknown> } | undefined)?.properties ?? {});
}
