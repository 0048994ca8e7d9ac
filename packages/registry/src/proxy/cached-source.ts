// May somebody take what is cached of an upstream elsewhere? As policy says of a pull of it.
import type { Digest } from "@pratique/core";
import { actOf, repositoryResource } from "../act.ts";
import type { Exchange, RegistryParts } from "../exchange.ts";

/** Undefined for a repository of our own. */
export async function cachedSource(
  { guard, pullThrough }: Pick<RegistryParts, "guard" | "pullThrough">,
  exchange: Exchange,
  repository: string,
  digest: Digest,
): Promise<{ readonly isAllowed: boolean } | undefined> {
  const place = pullThrough?.place({ to: "tags", name: repository }, new URLSearchParams(), []);
  if (pullThrough === undefined || place === undefined) return undefined;
  const source = repositoryResource({ host: place.upstream.name }, place.name);
  if (!guard.decide(actOf(exchange, "artifact:pull", source)).allow) return { isAllowed: false };
  for (const manifest of (await pullThrough.neededBlob(place, digest))?.by ?? []) {
    const artifact = await pullThrough.artifact(place, manifest);
    if (guard.decide(actOf(exchange, "artifact:pull", artifact)).allow) return { isAllowed: true };
  }
  return { isAllowed: false };
}
