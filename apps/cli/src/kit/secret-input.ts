// A secret value from where nobody else sees it: a file, standard input, or a prompt without echo. Never argv.
import { open } from "node:fs/promises";
import { createInterface } from "node:readline/promises";
import { Writable } from "node:stream";
import { readBounded } from "@pratique/core";
import { usageError } from "./run-command.ts";

const LIMIT_BYTES = 64 * 1024;

export interface SecretInput {
  /** A file that holds it. */
  readonly file: string | undefined;
  /** What a person is asked for. */
  readonly what: string;
  readonly interrupted: AbortSignal;
}

export async function readSecret({ file, what, interrupted }: SecretInput): Promise<string> {
  if (file !== undefined) return oneLine(await readFile(file));
  if (!process.stdin.isTTY) return oneLine((await readBounded(process.stdin, LIMIT_BYTES, "the value")).toString());
  return await ask(what, interrupted);
}

async function readFile(path: string): Promise<string> {
  try {
    const file = await open(path, "r");
    try {
      const { size } = await file.stat();
      if (size > LIMIT_BYTES) throw usageError(`${path} is larger than ${LIMIT_BYTES} bytes`, "a secret is text");
      return await file.readFile("utf8");
    } finally {
      await file.close();
    }
  } catch (error) {
    if (!(error instanceof Error) || !("code" in error) || error.code === "cli.usage") throw error;
    throw usageError(`${path} cannot be read`, "--from-file takes the path of a file that holds the value");
  }
}

async function ask(what: string, signal: AbortSignal): Promise<string> {
  process.stderr.write(`${what} (it is not shown): `);
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines = createInterface({ input: process.stdin, output: silent, terminal: true, historySize: 0 });
  // In raw mode Ctrl-C is a key like any: it is handed on as what it means.
  lines.on("SIGINT", () => process.kill(process.pid, "SIGINT"));
  try {
    return await lines.question("", { signal });
  } finally {
    lines.close();
    process.stderr.write("\n");
  }
}

/** The line break after a value of one line belongs to echo or an editor; a key in PEM keeps its own. */
function oneLine(text: string): string {
  const line = text.replace(/\r?\n$/, "");
  return /[\r\n]/.test(line) ? text : line;
}
