// Manifests on their way out: GET and HEAD by tag or digest (distribution-spec 1.1, "Pulling manifests").
import { parseDigest } from "@pratique/core";
import { isTag, ociErrors, type Descriptor } from "@pratique/oci";
import { actOf, perform, permit, repositoryResource } from "./act.ts";
import { entityTag, hasAlready } from "./conditional.ts";
import { registryErrors } from "./errors.ts";
import { sendBytes, sendEmpty, type Exchange, type RegistryParts } from "./exchange.ts";

/** Checks that a text is a tag or a digest, before it looks anything up. @throws `digest.invalid`, `registry.tag-invalid` */
export function requireReference(reference: string): string {
  // Only a digest has a colon.
  if (isTag(reference)) return reference;
  if (reference.includes(":")) return parseDigest(reference);
  throw registryErrors("registry.tag-invalid", { tag: reference.slice(0, 160) });
}

/** The descriptor, or the answer that whoever may not pull gets, or that there is none. */
export async function findManifest(
  parts: RegistryParts,
  exchange: Exchange,
  name: string,
  reference: string,
  action: "artifact:pull" | "artifact:delete",
): Promise<Descriptor> {
  const found = await parts.store.repository(name).resolve(requireReference(reference));
  if (found !== undefined) return found;
  await permit(parts.guard, actOf(exchange, action, repositoryResource(parts, name)));
  throw ociErrors("manifest.not-found", { repository: name, reference });
}

/** `HEAD`: 200 only when a GET would be allowed. Nothing leaves the registry, so only a denial is recorded. */
export async function headManifest(parts: RegistryParts, exchange: Exchange, name: string, ref: string): Promise<void> {
  const descriptor = await findManifest(parts, exchange, name, ref, "artifact:pull");
  const artifact = await parts.evidence(name, descriptor);
  await permit(parts.guard, actOf(exchange, "artifact:pull", artifact, tagContext(ref)));
  const headers = manifestHeaders(descriptor);
  if (hasAlready(exchange.req.headers["if-none-match"], descriptor.digest)) {
    return sendEmpty(exchange.res, 304, headers);
  }
  exchange.res.writeHead(200, { ...headers, "Content-Length": String(descriptor.size) });
  exchange.res.end();
}

/** `GET`: the pull of an artifact, decided over its evidence and recorded before it is answered. */
export async function getManifest(parts: RegistryParts, exchange: Exchange, name: string, ref: string): Promise<void> {
  const descriptor = await findManifest(parts, exchange, name, ref, "artifact:pull");
  const artifact = await parts.evidence(name, descriptor);
  const act = actOf(exchange, "artifact:pull", artifact, {
    ...tagContext(ref),
    details: { mediaType: descriptor.mediaType },
  });
  // By digest: what was decided upon is what is sent, whatever the tag points at meanwhile.
  const manifest = await perform(parts.guard, act, async () => {
    const found = await parts.store.repository(name).manifest(descriptor.digest);
    if (found === undefined) throw ociErrors("manifest.not-found", { repository: name, reference: ref });
    return found;
  });
  const headers = manifestHeaders(descriptor);
  if (hasAlready(exchange.req.headers["if-none-match"], descriptor.digest)) {
    return sendEmpty(exchange.res, 304, headers);
  }
  sendBytes(exchange, 200, manifest.bytes, headers);
}

/** Context of an act by tag. */
export function tagContext(reference: string): { context?: { tag: string } } {
  return isTag(reference) ? { context: { tag: reference } } : {};
}

function manifestHeaders({ mediaType, digest }: Descriptor): Record<string, string> {
  return { "Content-Type": mediaType, "Docker-Content-Digest": digest, ETag: entityTag(digest) };
}
