// Taking a blob over from another repository without sending it (distribution-spec 1.1, "Mounting a blob").
import type { Digest } from "@pratique/core";
import { isRepositoryName } from "@pratique/oci";
import { actOf, perform, permit, repositoryResource } from "./act.ts";
import type { Exchange, RegistryParts } from "./exchange.ts";
import { cachedSource } from "./proxy/cached-source.ts";
import { covers as grants } from "./token/scope.ts";

/**
 * Mounts from the repository named, or without one from any that the principal may pull from. False when there is
 * none: then the client uploads. A source that is denied looks just like one that has no such blob.
 */
export async function mountBlob(
  parts: RegistryParts,
  exchange: Exchange,
  name: string,
  digest: Digest,
  from: string | null,
): Promise<boolean> {
  const push = actOf(exchange, "artifact:push", repositoryResource(parts, name));
  await permit(parts.guard, push);
  const source = await findSource(parts, exchange, name, digest, from);
  if (source === undefined) return false;
  const act = { ...push, details: { digest, mountedFrom: source } };
  return perform(parts.guard, act, () => parts.store.repository(name).mountBlob(digest, source));
}

async function findSource(
  parts: RegistryParts,
  exchange: Exchange,
  name: string,
  digest: Digest,
  from: string | null,
): Promise<string | undefined> {
  const mayPull = async (repository: string): Promise<boolean> => {
    if (!covers(exchange, repository)) return false;
    // What is an upstream's is decided by the names that it has there, as when it is pulled.
    const cached = await cachedSource(parts, exchange, repository, digest);
    if (cached !== undefined) return cached.isAllowed;
    return parts.guard.decide(actOf(exchange, "artifact:pull", repositoryResource(parts, repository))).allow;
  };
  const has = async (repository: string): Promise<boolean> =>
    (await parts.store.repository(repository).blobSize(digest)) !== undefined;
  if (from !== null) {
    return isRepositoryName(from) && (await mayPull(from)) && (await has(from)) ? from : undefined;
  }
  if ((await mayPull(name)) && (await has(name))) return name;
  for (const repository of await parts.store.holders(digest)) {
    if (await mayPull(repository)) return repository;
  }
  return undefined;
}

/** A token for one repository is no way into another. */
function covers({ access }: Exchange, name: string): boolean {
  return access === undefined || grants(access, { type: "repository", name, actions: ["pull"] });
}
