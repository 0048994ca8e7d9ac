// The engine from npm alone: llama.cpp's binding in a child process of ours.
import { fork, type ChildProcess } from "node:child_process";
import { randomBytes } from "node:crypto";
import type { Log } from "@pratique/core";
import type { Engine, EngineStartOptions, ModelFile, RunningModel } from "./engine.ts";
import { endChild, requestOnSocket, watchExit } from "./engine-process.ts";
import { inferenceErrors } from "./errors.ts";
import { readGgufHeader } from "./gguf-header.ts";
import { isHostReport, type HostCommand } from "./host-protocol.ts";
import { slotsFor, threadsFor } from "./threads.ts";

export interface LlamaCppNodeOptions {
  /** The Node that runs the host. */
  readonly nodeExecutable: string;
  /** `engine-host.ts`, or its bundle in a release. */
  readonly engineHostFile: URL | string;
  readonly log: Log;
  readonly startTimeoutMs: number;
}

interface Host {
  readonly child: ChildProcess;
  readonly exited: RunningModel["exited"];
  readonly version: string;
}

/** Starts a host and waits for its report. @throws Error with what it said last */
async function startHost(options: LlamaCppNodeOptions, command: HostCommand): Promise<Host> {
  const child = fork(options.engineHostFile, [], {
    execPath: options.nodeExecutable,
    execArgv: [],
    env: {}, // nothing of ours is its business
    stdio: ["ignore", "ignore", "pipe", "ipc"],
  });
  const { exited, lastWords } = watchExit(child);
  const report = new Promise<string>((resolve, reject) => {
    const timer = setTimeout(
      () => reject(new Error(`no answer within ${options.startTimeoutMs / 1000} s`)),
      options.startTimeoutMs,
    );
    child.once("message", (message) => {
      clearTimeout(timer);
      if (!isHostReport(message)) return reject(new Error("it answered in another language"));
      if (message.type === "ready") return resolve(message.version);
      reject(new Error([message.detail, lastWords()].filter((part) => part !== "").join("; ")));
    });
    void exited.then(({ code, signal, lastWords: words }) => {
      clearTimeout(timer);
      reject(new Error(`it ended with ${signal ?? code ?? "an error"}${words === "" ? "" : `: ${words}`}`));
    });
  });
  child.send(command, () => undefined);
  try {
    return { child, exited, version: await report };
  } catch (error) {
    child.kill("SIGKILL");
    throw error;
  }
}

/** Probes the engine by loading its library. @throws `engine.missing` */
export async function openLlamaCppNode(options: LlamaCppNodeOptions): Promise<Engine> {
  const fail = (cause: unknown) =>
    inferenceErrors("engine.missing", { detail: cause instanceof Error ? cause.message : String(cause) }, { cause });
  const probe = await startHost(options, { type: "probe" }).catch((cause: unknown) => {
    throw fail(cause);
  });
  await endChild(probe.child, probe.exited);

  const start = async (model: ModelFile, given: EngineStartOptions): Promise<RunningModel> => {
    await readGgufHeader(model.path);
    const key = randomBytes(32).toString("base64url");
    const { child, exited } = await startHost(options, {
      type: "serve",
      path: model.path,
      name: model.reference,
      socketPath: given.socketPath,
      key,
      contextTokens: given.contextTokens,
      threads: threadsFor(model.sizeBytes),
      slots: slotsFor(model.sizeBytes),
    }).catch((cause: unknown) => {
      const detail = cause instanceof Error ? cause.message : String(cause);
      throw inferenceErrors("engine.start-failed", { model: model.reference, detail }, { cause });
    });
    return {
      pid: child.pid ?? 0,
      exited,
      request: (request) => requestOnSocket(given.socketPath, key, request),
      stop: () => endChild(child, exited),
    };
  };
  return { id: "llama-cpp-node", version: probe.version, start };
}
