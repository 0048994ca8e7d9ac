// Inference: local engines, upstream routes, and the OpenAI API in front of them.
export type { Engine, EngineExit, EngineRequest, EngineStartOptions, ModelFile, RunningModel } from "./engine.ts";
export { inferenceErrors } from "./errors.ts";
export { findEngine, type FindEngineOptions } from "./find-engine.ts";
export { readGgufHeader, type GgufHeader } from "./gguf-header.ts";
export {
  createInference,
  type HandleOptions,
  type Inference,
  type InferenceOptions,
  type ModelListing,
} from "./inference.ts";
export type { RunningStatus } from "./model-pool.ts";
export { modelResource, type Route } from "./route.ts";
export type { UpstreamRoute } from "./upstream.ts";
