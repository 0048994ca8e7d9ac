// The part of llama.cpp's native binding that the engine host uses, and how it is found.
// The binary comes from the npm package of this platform alone: node-llama-cpp around it costs 0.7 s of start and 45 MB.
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export interface NativeModel {
  init(): Promise<boolean>;
  tokenize(text: string, specialTokens: boolean): Uint32Array;
  detokenize(tokens: Uint32Array, specialTokens?: boolean): string;
  getTrainContextSize(): number;
  tokenBos(): number;
  tokenEos(): number;
  getTokenString(token: number): string;
  getTokenAttributes(token: number): number;
  isEogToken(token: number): boolean;
  shouldPrependBosToken(): boolean;
}

export interface NativeContext {
  init(): Promise<boolean>;
  initBatch(size: number): void;
  /** Adds tokens of a sequence from a position on; returns where the logits of `logitIndexes` will be. */
  addToBatch(sequence: number, position: number, tokens: Uint32Array, logitIndexes: Uint32Array): Uint32Array;
  decodeBatch(): Promise<void>;
  sampleToken(logitIndex: number, sampler: NativeSampler): Promise<number>;
  disposeSequence(sequence: number): void;
  removeTokenCellsFromSequence(sequence: number, start: number, end: number): boolean;
}

export interface NativeSampler {
  applyConfig(config: { temperature: number; topK?: number; topP?: number; minP?: number; seed?: number }): void;
  dispose(): void;
}

export interface NativeBinding {
  AddonModel: new (
    path: string,
    options: { gpuLayers: number; useMmap: boolean; addonExports: NativeBinding },
  ) => NativeModel;
  AddonContext: new (
    model: NativeModel,
    options: { contextSize: number; batchSize: number; sequences: number; flashAttention: "auto"; threads: number },
  ) => NativeContext;
  AddonSampler: new (model: NativeModel) => NativeSampler;
  markLoaded(): boolean;
  setLogger(logger: (level: number, message: string) => void): void;
  setLoggerLogLevel(level: number): void;
  loadBackends(directory?: string): void;
  getGpuType(): string | false | undefined;
  init(): Promise<void>;
}

/** `llama_token_attr` in llama.h: a token that is never text. */
export const TOKEN_IS_CONTROL = 8;

const LOG_ERRORS = 2;

function isBinding(value: unknown): value is NativeBinding {
  return typeof value === "object" && value !== null && "AddonModel" in value && "loadBackends" in value;
}

/** Loads the binding of this platform. `say` gets llama.cpp's errors. */
export async function loadBinding(
  say: (message: string) => void,
): Promise<{ binding: NativeBinding; version: string }> {
  const target = `${process.platform}-${process.arch}`;
  const entry = fileURLToPath(import.meta.resolve(`@node-llama-cpp/${target}`));
  const root = dirname(dirname(entry));
  const load = createRequire(import.meta.url);
  const directory = join(root, "bins", target);
  const binding: unknown = load(join(directory, "llama-addon.node"));
  if (!isBinding(binding)) throw new Error("the native binding has another shape");
  binding.markLoaded();
  binding.setLogger((_level, message) => say(message));
  binding.setLoggerLogLevel(LOG_ERRORS);
  binding.loadBackends();
  if (binding.getGpuType() === undefined) binding.loadBackends(directory);
  await binding.init();
  const manifest: unknown = load(join(root, "package.json"));
  const version =
    typeof manifest === "object" && manifest !== null && "version" in manifest ? String(manifest.version) : "unknown";
  return { binding, version };
}
