// What an engine is to the rest of inference: something that runs one model behind a Unix socket.
import type { IncomingMessage } from "node:http";

/** A model on this machine: a GGUF file whose bytes were checked against `digest`. */
export interface ModelFile {
  /** The name it is known by; engines answer under it. */
  readonly reference: string;
  readonly digest: string;
  readonly path: string;
  readonly cleared: boolean;
  readonly sizeBytes: number;
}

export interface EngineStartOptions {
  /** Where the engine listens. Its directory must be ours alone (0700). */
  readonly socketPath: string;
  /** Context window for one conversation; the model's own when absent. */
  readonly contextTokens?: number;
}

export interface EngineRequest {
  readonly method: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
  readonly signal?: AbortSignal | undefined;
}

/** How an engine process ended, and the last it said. */
export interface EngineExit {
  readonly code: number | null;
  readonly signal: string | null;
  readonly lastWords: string;
}

/** A model that runs: speaks OpenAI's HTTP API. */
export interface RunningModel {
  readonly pid: number;
  request(options: EngineRequest): Promise<IncomingMessage>;
  stop(): Promise<void>;
  readonly exited: Promise<EngineExit>;
}

export interface Engine {
  readonly id: "llama-server" | "llama-cpp-node";
  readonly version: string;
  start(model: ModelFile, options: EngineStartOptions): Promise<RunningModel>;
}
