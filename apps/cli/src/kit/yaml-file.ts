// Reads a YAML file that a command was given, as JSON.
import { readFile } from "node:fs/promises";
import { parse } from "yaml";
import { usageError } from "./run-command.ts";

const LIMIT_BYTES = 256 * 1024;

/** Undefined for an empty file. @throws `cli.usage` when there is none, or it is no YAML */
export async function readYamlFile(path: string, example: string): Promise<unknown> {
  const text = await textOf(path, example);
  if (text.length > LIMIT_BYTES) throw usageError(`${path} is larger than 256 KiB`, example);
  let value: unknown;
  try {
    value = parse(text, { maxAliasCount: 0 });
  } catch (error) {
    const reason = error instanceof Error ? error.message.split("\n")[0]!.replace(/:$/, "") : String(error);
    throw usageError(`${path} is no YAML: ${reason}`, example);
  }
  const json = JSON.stringify(value ?? undefined);
  return json === undefined ? undefined : JSON.parse(json);
}

async function textOf(path: string, example: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const reason = code === "ENOENT" ? "is not there" : code === "EISDIR" ? "is a directory" : message;
    throw usageError(`${path} ${reason}`, example);
  }
}
