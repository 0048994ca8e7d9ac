// Operations of the registry's housekeeping: history, retention, quotas, events.
import {
  NumberedEvent,
  QuotaUsage,
  RegistryEvent,
  RetentionReport,
  RollbackRequest,
  RollbackResult,
  TagHistory,
  WebhookState,
} from "@pratique/contracts";
import { z } from "zod";
import { daemonErrors } from "../errors.ts";
import type { EventDesk } from "../housekeeping/event-desk.ts";
import type { RetentionDesk } from "../housekeeping/retention-desk.ts";
import type { TagDesk } from "../housekeeping/tag-desk.ts";
import { events, follow, get, post, type Operation, type SentEvent } from "./operation.ts";

export interface HousekeepingDesks {
  readonly tags: TagDesk;
  readonly retention: RetentionDesk;
  readonly events: EventDesk;
}

const AFTER = { after: "Begin after this event's number" };

export function housekeepingOperations({ tags, retention, events: desk }: HousekeepingDesks): Operation[] {
  return [
    get(
      "/registry/history",
      "What a tag has named, newest first",
      TagHistory,
      ({ principal, query }) => {
        const reference = query.get("reference");
        if (reference === null) throw daemonErrors("control.bad-request", { problem: "reference is missing" });
        return tags.history(principal, reference);
      },
      { reference: "Repository and tag" },
    ),
    post(
      "/registry/rollback",
      "Let a tag name again what it named before",
      RollbackRequest,
      RollbackResult,
      ({ principal, body }) => tags.rollback(principal, body),
    ),
    post(
      "/registry/retention",
      "Apply the retention rules, or show what they would do",
      z.strictObject({ isDryRun: z.boolean().default(false), repository: z.string().optional() }),
      RetentionReport,
      ({ principal, body }) => retention.run(principal, body.isDryRun, body.repository),
    ),
    get(
      "/registry/quota",
      "What each repository holds, and may hold",
      z.strictObject({ repositories: z.array(QuotaUsage) }),
      async ({ principal }) => ({ repositories: await retention.usage(principal) }),
    ),
    get(
      "/registry/events",
      "List events of the registry, oldest first",
      z.strictObject({ events: z.array(NumberedEvent) }),
      async ({ principal, query }) => ({ events: await desk.list(principal, query) }),
      { ...AFTER, limit: "At most this many (1000 at most)" },
    ),
    follow(
      "/registry/events/follow",
      "New events of the registry, as they come",
      NumberedEvent,
      ({ principal, query, signal }) => desk.follow(principal, query.get("after"), signal),
      AFTER,
    ),
    events(
      "/events",
      "New events as server-sent events; goes on after Last-Event-ID",
      RegistryEvent,
      async ({ principal, query, lastEventId, signal }) =>
        sentEvents(await desk.follow(principal, lastEventId ?? query.get("after"), signal)),
      AFTER,
    ),
    get(
      "/registry/webhooks",
      "Webhooks, and what they are still to be told",
      z.strictObject({ webhooks: z.array(WebhookState) }),
      async ({ principal }) => ({ webhooks: await desk.webhooks(principal) }),
    ),
    post(
      "/registry/webhooks/retry",
      "Tell webhooks again what was given up",
      z.strictObject({}),
      z.strictObject({ retried: z.int() }),
      ({ principal }) => desk.retry(principal),
    ),
  ];
}

async function* sentEvents(numbered: AsyncIterable<NumberedEvent>): AsyncGenerator<SentEvent> {
  for await (const { sequence, event } of numbered) yield { id: String(sequence), type: event.type, data: event };
}
