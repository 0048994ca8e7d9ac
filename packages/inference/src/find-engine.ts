// Chooses the engine for local models: a llama-server that runs, else llama.cpp from npm.
import { access, constants } from "node:fs/promises";
import { delimiter, isAbsolute, join } from "node:path";
import { describeError, type Log } from "@pratique/core";
import type { Engine } from "./engine.ts";
import { openLlamaCppNode } from "./llama-cpp-node.ts";
import { openLlamaServer } from "./llama-server.ts";

export interface FindEngineOptions {
  /** Path of a llama-server that must be used. */
  readonly llamaServer?: string | undefined;
  /** The PATH to search. */
  readonly path: string;
  /** The Node that runs the engine host. */
  readonly nodeExecutable: string;
  /** The engine host's entry file; by default the source beside this module. A bundle hands in its own. */
  readonly engineHostFile?: URL | string;
  readonly log: Log;
  readonly startTimeoutMs?: number;
}

async function findOnPath(name: string, path: string): Promise<string | undefined> {
  for (const directory of path.split(delimiter)) {
    if (!isAbsolute(directory)) continue; // never from the working directory
    const candidate = join(directory, name);
    const isExecutable = await access(candidate, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (isExecutable) return candidate;
  }
  return undefined;
}

/**
 * Finds an engine and proves by running it that it runs.
 * @throws `engine.unusable` for an explicit path, `engine.missing` when there is none at all
 */
export async function findEngine(options: FindEngineOptions): Promise<Engine> {
  const startTimeoutMs = options.startTimeoutMs ?? 120_000;
  const server = (executable: string) => openLlamaServer({ executable, path: options.path, startTimeoutMs });
  if (options.llamaServer !== undefined) return server(options.llamaServer);
  const found = await findOnPath("llama-server", options.path);
  if (found !== undefined) {
    try {
      return await server(found);
    } catch (error) {
      options.log.warn("llama-server is there but does not run; using llama.cpp from npm", describeError(error));
    }
  }
  return openLlamaCppNode({
    nodeExecutable: options.nodeExecutable,
    engineHostFile: options.engineHostFile ?? new URL("./engine-host.ts", import.meta.url),
    log: options.log,
    startTimeoutMs,
  });
}
