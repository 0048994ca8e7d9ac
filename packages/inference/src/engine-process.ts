// What both engines share: a child whose last words are kept, and requests to its socket.
import type { ChildProcess } from "node:child_process";
import { request, type IncomingMessage } from "node:http";
import type { EngineExit, EngineRequest } from "./engine.ts";

const LAST_WORDS_CHARACTERS = 4000;

/** Follows a child to its end and keeps the end of what it wrote to standard error. */
export function watchExit(child: ChildProcess): { exited: Promise<EngineExit>; lastWords: () => string } {
  let words = "";
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    words = (words + text).slice(-LAST_WORDS_CHARACTERS);
  });
  const lastWords = () => words.trim().split("\n").slice(-4).join("; ");
  const exited = new Promise<EngineExit>((resolve) => {
    const end = (code: number | null, signal: string | null) => resolve({ code, signal, lastWords: lastWords() });
    child.once("close", end);
    child.once("error", (error) => {
      words += `\n${error.message}`;
      end(null, null);
    });
  });
  return { exited, lastWords };
}

/** One request to an engine. A connection of its own each: engines close idle ones under our feet. */
export function requestOnSocket(socketPath: string, key: string, options: EngineRequest): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const outgoing = request(
      {
        socketPath,
        agent: false,
        method: options.method,
        path: options.path,
        headers: {
          ...options.headers,
          authorization: `Bearer ${key}`,
          ...(options.body === undefined ? {} : { "content-length": String(options.body.byteLength) }),
        },
        ...(options.signal === undefined ? {} : { signal: options.signal }),
      },
      resolve,
    );
    outgoing.once("error", reject);
    outgoing.end(options.body);
  });
}

/** Ends a child: `SIGTERM`, then `SIGKILL` after a grace. */
export async function endChild(child: ChildProcess, exited: Promise<unknown>, graceMs = 2000): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return void (await exited);
  child.kill("SIGTERM");
  const timer = setTimeout(() => child.kill("SIGKILL"), graceMs);
  await exited;
  clearTimeout(timer);
}
