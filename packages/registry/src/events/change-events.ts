// What a change of the store is in events.
import type { RepositoryChange } from "@pratique/oci";
import type { Cause } from "../history/attribution.ts";
import type { EventFacts } from "./cloud-event.ts";

/** Where clients without the referrers API keep their lists (distribution-spec, "Referrers Tag Schema"). */
const FALLBACK_TAG = /^sha(?:256|512)-[0-9a-f]{64}$/;

type ChangeEvent = Pick<EventFacts, "type" | "repository" | "subject" | "data">;

export function changeEvents(change: RepositoryChange, cause: Cause | undefined): ChangeEvent[] {
  const { repository, tags, added, removed } = change;
  const by = cause === undefined ? { unattributed: true } : { principal: cause.principal, act: cause.act };
  const tagsOf = (digest: string): string[] => tags.flatMap(({ tag, to }) => (to === digest ? [tag] : []));
  return [
    ...added.map((digest): ChangeEvent => {
      const data = { digest, tags: tagsOf(digest), ...by };
      return { type: "artifact.pushed", repository, subject: `${repository}@${digest}`, data };
    }),
    ...removed.map((digest): ChangeEvent => {
      return { type: "artifact.deleted", repository, subject: `${repository}@${digest}`, data: { digest, ...by } };
    }),
    ...tags
      .filter(({ tag }) => !FALLBACK_TAG.test(tag))
      .map(({ tag, from, to }): ChangeEvent => {
        const ends = { ...(from === undefined ? {} : { from }), ...(to === undefined ? {} : { to }) };
        return { type: "tag.moved", repository, subject: `${repository}:${tag}`, data: { tag, ...ends, ...by } };
      }),
  ];
}
