// Events of the registry in CloudEvents 1.0: made here, once, and never changed on their way.
import type { EVENT_TYPES, RegistryEvent } from "@pratique/contracts";
import { redactJson, type JsonObject } from "@pratique/core";

/** As the configuration names them. */
export type EventType = (typeof EVENT_TYPES)[number];

const PREFIX = "dev.pratique.registry.";

export interface EventFacts {
  readonly id: string;
  readonly type: EventType;
  readonly time: Date;
  /** Host (and port) of the registry. */
  readonly host: string;
  readonly repository?: string | undefined;
  /** `repository:tag` or `repository@digest`. */
  readonly subject?: string | undefined;
  readonly data: JsonObject;
}

export function cloudEvent({ id, type, time, host, repository, subject, data }: EventFacts): RegistryEvent {
  const all = redactJson({ ...(repository === undefined ? {} : { repository }), ...data }, []);
  return {
    specversion: "1.0",
    id,
    source: `http://${host}/v2/`,
    type: PREFIX + type,
    ...(subject === undefined ? {} : { subject }),
    time: time.toISOString(),
    datacontenttype: "application/json",
    // Parsed again: plain JSON, without `undefined`.
    data: JSON.parse(JSON.stringify(all)),
  };
}

/** The type as the configuration names it. */
export function shortType(type: string): string {
  return type.startsWith(PREFIX) ? type.slice(PREFIX.length) : type;
}
