// Manifests on their way out: GET and HEAD by tag or digest (distribution-spec 1.1, "Pulling manifests").
import { parseDigest } from "@pratique/core";
import type { Act, GuardResource } from "@pratique/guard";
import { isTag, ociErrors, type Descriptor } from "@pratique/oci";
import { actOf, perform, permit, repositoryResource } from "./act.ts";
import { entityTag, hasAlready } from "./conditional.ts";
import { registryErrors } from "./errors.ts";
import { BASE_HEADERS, sendBytes, sendEmpty, type Exchange, type RegistryParts } from "./exchange.ts";

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
  await permit(parts.guard, pullOf(parts, exchange, { name, ref, descriptor, artifact }));
  const headers = manifestHeaders(descriptor);
  if (hasAlready(exchange.req.headers["if-none-match"], descriptor.digest)) {
    return sendEmpty(exchange.res, 304, headers);
  }
  exchange.res.writeHead(200, { ...BASE_HEADERS, ...headers, "Content-Length": String(descriptor.size) });
  exchange.res.end();
}

/** `GET`: the pull of an artifact, decided over its evidence and recorded before it is answered. */
export async function getManifest(parts: RegistryParts, exchange: Exchange, name: string, ref: string): Promise<void> {
  const descriptor = await findManifest(parts, exchange, name, ref, "artifact:pull");
  const artifact = await parts.evidence(name, descriptor);
  const act = pullOf(parts, exchange, { name, ref, descriptor, artifact });
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

interface Pull {
  readonly name: string;
  readonly ref: string;
  readonly descriptor: Descriptor;
  readonly artifact: GuardResource;
}

/** The same pull as before is the same object, as long as the artifact's evidence is. */
function pullOf(parts: RegistryParts, exchange: Exchange, { name, ref, descriptor, artifact }: Pull): Act {
  const details = { mediaType: descriptor.mediaType };
  const key = `manifest ${name} ${ref} ${descriptor.mediaType}`;
  const make = (): Act => actOf(exchange, "artifact:pull", artifact, { ...tagContext(ref), details });
  return parts.known.get(exchange.principal, key, artifact, make);
}

/** Context of an act by tag. */
export function tagContext(reference: string): { context?: { tag: string } } {
  return isTag(reference) ? { context: { tag: reference } } : {};
}

function manifestHeaders({ mediaType, digest }: Descriptor): Record<string, string> {
  return { "Content-Type": mediaType, "Docker-Content-Digest": digest, ETag: entityTag(digest) };
}
