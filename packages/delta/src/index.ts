// A large layer as its difference from another one that the receiver has.
export { deltaErrors } from "./errors.ts";
export { encodeDelta, type EncodeOptions } from "./encode-delta.ts";
export { rebuildDelta, type RebuildOptions } from "./rebuild-delta.ts";
export { DELTA_ARTIFACT_TYPE, findDeltas, type LayerDelta } from "./delta-manifest.ts";
export { publishDelta, type PublishedDelta, type PublishOptions } from "./publish-delta.ts";
export { rebuildLayer } from "./rebuild-layer.ts";
export { DELTA_ENDPOINT, DELTA_EXTENSION, rebuildRemotely, rebuildsLayers } from "./remote-rebuild.ts";
