// What a change of the store is in events.
import type { RepositoryChange } from "@pratique/oci";
import type { Cause } from "../history/attribution.ts";
import { boundTo } from "../bound-tag.ts";
import type { EventFacts } from "./cloud-event.ts";

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
      .filter(({ tag }) => !isListOfReferrers(tag))
      .map(({ tag, from, to }): ChangeEvent => {
        const ends = { ...(from === undefined ? {} : { from }), ...(to === undefined ? {} : { to }) };
        return { type: "tag.moved", repository, subject: `${repository}:${tag}`, data: { tag, ...ends, ...by } };
      }),
  ];
}

/** What older clients keep of referrers; each referrer is an event of its own. */
function isListOfReferrers(tag: string): boolean {
  return boundTo(tag) !== undefined && !tag.includes(".");
}
