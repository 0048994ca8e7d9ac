// Taking a blob over from another repository without sending it (distribution-spec 1.1, "Mounting a blob").
import type { Digest } from "@pratique/core";
import { isRepositoryName } from "@pratique/oci";
import { actOf, perform, permit, repositoryResource } from "./act.ts";
import type { Exchange, RegistryParts } from "./exchange.ts";
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
  const mayPull = (repository: string): boolean =>
    covers(exchange, repository) &&
    parts.guard.decide(actOf(exchange, "artifact:pull", repositoryResource(parts, repository))).allow;
  const has = async (repository: string): Promise<boolean> =>
    (await parts.store.repository(repository).blobSize(digest)) !== undefined;
  if (from !== null) {
    return isRepositoryName(from) && mayPull(from) && (await has(from)) ? from : undefined;
  }
  if (mayPull(name) && (await has(name))) return name;
  for (const repository of await parts.store.holders(digest)) {
    if (mayPull(repository)) return repository;
  }
  return undefined;
}

/** A token for one repository is no way into another. */
function covers({ access }: Exchange, name: string): boolean {
  return access === undefined || grants(access, { type: "repository", name, actions: ["pull"] });
}
