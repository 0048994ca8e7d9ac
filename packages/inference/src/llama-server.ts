// llama.cpp's own server as a child on a Unix socket.
import { execFile, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { rm, writeFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import type { Engine, EngineStartOptions, ModelFile, RunningModel } from "./engine.ts";
import { requestOnSocket, watchExit } from "./engine-process.ts";
import { inferenceErrors } from "./errors.ts";
import { readGgufHeader } from "./gguf-header.ts";
import { slotsFor, threadsFor } from "./threads.ts";

const run = promisify(execFile);

export interface LlamaServerOptions {
  readonly executable: string;
  /** PATH for the child: its only environment. */
  readonly path: string;
  readonly startTimeoutMs: number;
}

export interface LlamaServerArguments {
  readonly socketPath: string;
  readonly modelPath: string;
  readonly name: string;
  readonly keyFile: string;
  readonly contextTokens: number;
  readonly slots: number;
  readonly threads: number;
}

/** Flags that older or newer versions lack, passed only where `--help` names them. */
const OPTIONAL_FLAGS = ["--no-ui", "--no-webui", "--offline", "--jinja", "--no-slots"] as const;

/**
 * The whole command line. It is a closed list: never `--tools`, `--agent`, `--mcp-*` or `--ui-mcp-proxy`, which give
 * the server hands of its own, and never `--api-key`, which every user of the machine could read.
 */
export function llamaServerArguments(options: LlamaServerArguments, help: string): string[] {
  const has = (flag: string) => new RegExp(`(^|[\\s,])${flag}([\\s,]|$)`, "m").test(help);
  const [noUi, noWebUi] = OPTIONAL_FLAGS;
  const optional = OPTIONAL_FLAGS.filter((flag) => has(flag) && !(flag === noWebUi && has(noUi)));
  const flags: Readonly<Record<string, string>> = {
    "--host": options.socketPath,
    "-m": options.modelPath,
    "--alias": options.name,
    "--api-key-file": options.keyFile,
    "-c": String(options.contextTokens * options.slots), // an explicit -np splits the context
    "-np": String(options.slots),
    "-t": String(options.threads),
    "-tb": String(options.threads),
  };
  return [...Object.entries(flags).flat(), ...optional];
}

/**
 * Runs the command, tells its pid on standard output, and kills it when our standard input closes: that is, when we
 * stop it or die, by `kill -9` too. Portable where PR_SET_PDEATHSIG is not.
 */
const LEASH = [
  "exec 3<&0",
  '"$@" </dev/null 1>&2 3<&- & child=$!',
  "echo $child",
  "(exec 1>/dev/null; read -r _ <&3; kill -9 $child 2>/dev/null) & leash=$!",
  "wait $child; status=$?",
  "kill $leash 2>/dev/null",
  "exit $status",
].join("\n");

async function untilHealthy(request: RunningModel["request"], ended: AbortSignal, timeoutMs: number): Promise<void> {
  const signal = AbortSignal.any([ended, AbortSignal.timeout(timeoutMs)]);
  for (let waitMs = 5; ; waitMs = Math.min(waitMs * 2, 100)) {
    const status = await request({ method: "GET", path: "/health", signal }).then(
      (response) => {
        response.resume();
        return response.statusCode;
      },
      () => undefined,
    );
    if (status === 200) return;
    if (ended.aborted) throw new Error("it ended");
    if (signal.aborted) throw new Error(`it was not ready within ${timeoutMs / 1000} s`);
    await sleep(waitMs, undefined, { signal }).catch(() => undefined);
  }
}

/** Probes a llama-server by running it. @throws `engine.unusable` */
export async function openLlamaServer(options: LlamaServerOptions): Promise<Engine> {
  const env = { PATH: options.path };
  const ask = (flag: string) => run(options.executable, [flag], { env, timeout: 20_000, maxBuffer: 1024 * 1024 });
  const { version, help } = await Promise.all([ask("--version"), ask("--help")]).then(
    ([version, help]) => ({ version: version.stdout + version.stderr, help: help.stdout + help.stderr }),
    (cause: unknown) => {
      const detail = cause instanceof Error ? cause.message.split("\n").slice(0, 3).join(" ") : String(cause);
      throw inferenceErrors("engine.unusable", { path: options.executable, detail }, { cause });
    },
  );
  const number = /version:\s*([^\s]+)/.exec(version)?.[1];
  if (number === undefined || !help.includes("--api-key-file")) {
    const detail = number === undefined ? "it names no version" : "it is too old";
    throw inferenceErrors("engine.unusable", { path: options.executable, detail });
  }

  const start = async (model: ModelFile, given: EngineStartOptions): Promise<RunningModel> => {
    const header = await readGgufHeader(model.path);
    const key = randomBytes(32).toString("base64url");
    const keyFile = `${given.socketPath}.key`;
    await writeFile(keyFile, `${key}\n`, { mode: 0o600 });
    const slots = slotsFor(model.sizeBytes);
    const args = llamaServerArguments(
      {
        socketPath: given.socketPath,
        modelPath: model.path,
        name: model.reference,
        keyFile,
        contextTokens: given.contextTokens ?? header.contextTokens,
        slots,
        threads: threadsFor(model.sizeBytes),
      },
      help,
    );
    const child = spawn("/bin/sh", ["-c", LEASH, "sh", options.executable, ...args], {
      env,
      stdio: ["pipe", "pipe", "pipe"],
    });
    child.stdin.on("error", () => undefined);
    const { exited, lastWords } = watchExit(child);
    const ended = new AbortController();
    void exited.then(() => ended.abort());
    const pid = new Promise<number>((resolve) => {
      child.stdout.setEncoding("utf8").once("data", (text: string) => resolve(Number.parseInt(text, 10)));
      void exited.then(() => resolve(0));
    });
    const request: RunningModel["request"] = (options) => requestOnSocket(given.socketPath, key, options);
    const stop = async (): Promise<void> => {
      child.stdin.end();
      await exited;
    };
    try {
      await untilHealthy(request, ended.signal, options.startTimeoutMs);
      return { pid: await pid, request, stop, exited };
    } catch (cause) {
      await stop();
      const detail = [cause instanceof Error ? cause.message : String(cause), lastWords()].join("; ");
      throw inferenceErrors("engine.start-failed", { model: model.reference, detail }, { cause });
    } finally {
      await rm(keyFile, { force: true });
    }
  };
  return { id: "llama-server", version: number, start };
}
