// What is remembered of a source of advisories between imports.
import { z } from "zod";
import { FeedFormat } from "@pratique/contracts";

const SourceState = z.object({
  format: FeedFormat,
  /** Ecosystems, release included, of which it has vulnerabilities, not malice alone. */
  ecosystems: z.array(z.string()),
  /** Advisories, exploited vulnerabilities or probabilities that it brought. */
  entries: z.int(),
  /** When it was last asked, with success or not. */
  askedAt: z.string().optional(),
  /** As of when it is the publisher's: the last successful request, or the age of the file. */
  checkedAt: z.string().optional(),
  /** How far what it says goes: the latest change, or its own date. */
  dataTime: z.string().optional(),
  /** A configured source is asked again and again; an import is as old as its data. */
  isFollowed: z.boolean(),
  /** Single advisories: they do not speak for an ecosystem. */
  isPartial: z.boolean().optional(),
  /** For the next conditional request. */
  etag: z.string().optional(),
  /** The last attempt, when it failed. */
  failure: z.object({ at: z.string(), reason: z.string() }).optional(),
});
export type SourceState = z.infer<typeof SourceState>;

export function decodeSource(body: string): SourceState {
  return SourceState.parse(JSON.parse(body));
}
