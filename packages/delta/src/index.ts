// A large layer as its difference from another one that the receiver has.
export { deltaErrors } from "./errors.ts";
export { encodeDelta, type EncodeOptions } from "./encode-delta.ts";
export { rebuildDelta, type RebuildOptions } from "./rebuild-delta.ts";
