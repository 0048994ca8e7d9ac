// From a model's name to what answers for it.
import type { GuardResource } from "@pratique/guard";
import type { ModelFile } from "./engine.ts";
import type { UpstreamRoute } from "./upstream.ts";

/** A model on this machine, or somebody else's OpenAI-compatible API. */
export type Route =
  | {
      readonly type: "local";
      readonly model: ModelFile;
      /** Whether it is still as cleared as `model` says. */
      readonly isCurrent?: () => boolean;
    }
  | ({ readonly type: "upstream" } & UpstreamRoute);

/** The Cedar entity of a model. What runs elsewhere was never cleared here. */
export function modelResource(name: string, route: Route): GuardResource {
  if (route.type === "upstream") {
    return { type: "Model", id: name, attributes: { name, local: false, cleared: false } };
  }
  const { reference, digest, cleared } = route.model;
  const attributes = { name: reference, local: true, cleared, digest };
  const { isCurrent } = route;
  return { type: "Model", id: reference, digest, attributes, ...(isCurrent === undefined ? {} : { isCurrent }) };
}
