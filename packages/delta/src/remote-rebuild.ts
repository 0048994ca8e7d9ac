// Asks another registry of our kind to rebuild a layer from a delta (our extension, found as distribution-spec's extensions/ says).
import { isJsonObject, parseJson, readBounded } from "@pratique/core";
import type { RegistrySession } from "@pratique/oci";
import type { LayerDelta } from "./delta-manifest.ts";

export const DELTA_EXTENSION = "_pratique";
export const DELTA_ENDPOINT = "_pratique/delta";
const ANSWER_LIMIT_BYTES = 256 * 1024;

/** True when the registry says that it rebuilds layers. */
export async function rebuildsLayers(session: RegistrySession): Promise<boolean> {
  const { status, body } = await session.request({
    method: "GET",
    to: "/v2/_oci/ext/discover",
    what: "its extensions",
    scopes: [],
    expect: [200, 400, 401, 403, 404, 405],
  });
  const bytes = await readBounded(body, ANSWER_LIMIT_BYTES, "the list of extensions");
  if (status !== 200) return false;
  const answer = parseJson(bytes.toString("utf8"), "the list of extensions");
  if (!isJsonObject(answer) || !Array.isArray(answer["extensions"])) return false;
  return answer["extensions"].some((one) => {
    const endpoints = isJsonObject(one) && one["name"] === DELTA_EXTENSION ? one["endpoints"] : undefined;
    return Array.isArray(endpoints) && endpoints.includes(DELTA_ENDPOINT);
  });
}

/** The delta's blob must be there. @throws `registry.*` when it cannot be done; then the layer is to be sent as it is */
export async function rebuildRemotely(session: RegistrySession, name: string, layer: LayerDelta): Promise<void> {
  const { base, target, targetBytes, delta } = layer;
  const query = new URLSearchParams({ base, delta: delta.digest, size: String(targetBytes) });
  const { body } = await session.request({
    method: "POST",
    to: `/v2/${name}/${DELTA_ENDPOINT}/${target}?${query}`,
    what: `layer ${target} of ${name}`,
    scopes: [`repository:${name}:pull,push`],
    expect: [201],
    // It makes the same blob however often it is asked.
    retry: "idempotent",
  });
  body.resume();
}
