// An image of the own registry, as policy sees it.
import { isDigest, isPratiqueError } from "@pratique/core";
import type { Artifacts } from "../artifacts/artifacts.ts";
import type { LookedUp } from "./image-lookup.ts";

/** By tag or digest; undefined when there is none. */
export async function ownImage(
  artifacts: Pick<Artifacts, "find" | "resource">,
  registry: string,
  repository: string,
  ref: string,
): Promise<LookedUp | undefined> {
  try {
    const found = await artifacts.find(`${registry}/${repository}${isDigest(ref) ? "@" : ":"}${ref}`);
    return { digest: found.descriptor.digest, resource: await artifacts.resource(found) };
  } catch (error) {
    if (isPratiqueError(error, "artifact.not-found")) return undefined;
    throw error;
  }
}
