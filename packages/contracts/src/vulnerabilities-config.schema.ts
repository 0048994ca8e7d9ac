// `vulnerabilities` in `pratique.yaml`: where advisories come from, and how old they may be.
import { z } from "zod";
import { FeedFormat } from "./advisory-database.schema.ts";
import { Duration } from "./housekeeping-config.schema.ts";

const FeedConfig = z.strictObject({
  format: FeedFormat.describe(
    "`osv`: a mirror with `all.zip` and `modified_id.csv`, a dump or a directory; `csaf`: Red Hat's; the others are one document",
  ),
  url: z
    .string()
    .min(1)
    .max(2000)
    .refine(
      (url) =>
        /^(?:https:\/\/|file:\/\/\/|\/)/.test(url) || /^http:\/\/(?:localhost|127\.0\.0\.1|\[::1\])[:/]/.test(url),
      "write https://…, file:///… or an absolute path; http:// only for this machine itself",
    )
    .describe("Where it is: `https://…`, `file:///…` or a path. A mirror with several files ends in `/`"),
  partial: z
    .boolean()
    .default(false)
    .describe("Some advisories and not all, such as your own: no ecosystem counts as checked because of it"),
});

export const VulnerabilitiesConfig = z.strictObject({
  sources: z
    .record(z.string().regex(/^[a-zA-Z0-9][a-zA-Z0-9._-]{0,62}$/), FeedConfig)
    .default({})
    .describe(
      "Sources of advisories, by the name that findings give; none by default, since nothing is fetched unasked",
    ),
  update: z
    .union([z.literal("off"), Duration])
    .prefault("6h")
    .describe("How often the sources are asked for what is new, or `off`"),
  staleAfter: Duration.prefault("3d").describe("Advisories older than this are stale"),
});
export type VulnerabilitiesConfig = z.infer<typeof VulnerabilitiesConfig>;
