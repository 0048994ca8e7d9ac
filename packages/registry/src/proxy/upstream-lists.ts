// Tags and referrers of upstreams: as listed there, with what is here beside; without the upstream, what is here.
import { isPratiqueError, parseDigest } from "@pratique/core";
import type { LocalRepository } from "@pratique/oci";
import type { RegistryParts } from "../exchange.ts";
import { answeringOtherwise } from "./answering-otherwise.ts";
import type { UpstreamExchange } from "./answer-upstream.ts";
import { isOutage } from "./upstream.ts";
import { permitRepository, sayStale } from "./upstream-manifest.ts";

/** The registry as it is to list a repository's tags. */
export async function upstreamTags(own: UpstreamExchange): Promise<RegistryParts> {
  const { parts, place } = own;
  const { upstream, name } = place;
  await permitRepository(own);
  try {
    const tags = await upstream.ask(() => upstream.repository(name).tags());
    return reading(parts, name, { tags: async () => tags, exists: async () => tags.length > 0 });
  } catch (error) {
    const repository = parts.store.repository(name);
    if (!isPratiqueError(error) || !isOutage(error) || !(await repository.exists())) throw error;
    sayStale(own, { reason: error.message, ageSeconds: 0 });
    return parts;
  }
}

/** The registry as it is to list what refers to a manifest. */
export async function upstreamReferrers(own: UpstreamExchange, text: string): Promise<RegistryParts> {
  const { parts, place, pullThrough } = own;
  const subject = parseDigest(text);
  await permitRepository(own);
  const theirs = await pullThrough.referrers.of(place, subject, true);
  if (theirs === undefined) sayStale(own, { reason: "its referrers are not told", ageSeconds: 0 });
  const repository = parts.store.repository(place.name);
  return reading(parts, place.name, {
    async referrers(digest, artifactType) {
      const all = [...(theirs ?? []), ...(await repository.referrers(digest))];
      const each = [...new Map(all.map((one) => [one.digest, one])).values()];
      return each.filter((one) => artifactType === undefined || one.artifactType === artifactType);
    },
  });
}

type Lists = Partial<Pick<LocalRepository, "tags" | "exists" | "referrers">>;

/** Parts whose repository answers some questions otherwise. */
function reading(parts: RegistryParts, name: string, lists: Lists): RegistryParts {
  const repository = parts.store.repository(name);
  const view = answeringOtherwise<LocalRepository>(repository, lists);
  return { ...parts, store: answeringOtherwise(parts.store, { repository: () => view }) };
}
