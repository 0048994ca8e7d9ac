// Keys under `registry` that keep house: tag policies, history, retention, quotas, events.
import { z } from "zod";

const UNITS_MS: Readonly<Record<string, number>> = { s: 1e3, m: 6e4, h: 36e5, d: 864e5, w: 6048e5 };
const UNITS_BYTES: Readonly<Record<string, number>> = {
  B: 1,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
  TiB: 2 ** 40,
  kB: 1e3,
  MB: 1e6,
  GB: 1e9,
  TB: 1e12,
};

/** `30d`, `12h`, `90s`: milliseconds. */
export const Duration = z
  .string()
  .regex(/^[1-9]\d{0,5}[smhdw]$/, "write a duration as 90s, 15m, 12h, 30d or 4w")
  .transform((text) => Number(text.slice(0, -1)) * UNITS_MS[text.slice(-1)]!);

/** `10GiB`, or a number of bytes. */
export const Size = z.union(
  [
    z.int().nonnegative(),
    z
      .string()
      .regex(/^\d{1,9}(?:\.\d{1,3})? ?(?:B|[KMGT]iB|[kMGT]B)$/)
      .transform((text) => {
        const unit = /[A-Za-z]+$/.exec(text)![0];
        return Math.round(Number(text.slice(0, -unit.length)) * UNITS_BYTES[unit]!);
      }),
  ],
  "write a size as 512MiB, 10GiB or a number of bytes",
);

const WRITE_PATTERNS = "write names with `*` for one part, `**` for many, `?`, `[ab]` and `{one,two}`";
/** One that can never fit, by a slip, would leave unprotected what it was to protect. */
const Pattern = z
  .string()
  .max(255)
  .regex(/^(?:[\w.\-/*?]|\[[\w.\-!]+\]|\{[\w.\-/*?,]+\})+$/, WRITE_PATTERNS);
const Patterns = z.union([Pattern.transform((one) => [one]), z.array(Pattern).min(1).max(100)], WRITE_PATTERNS);

export const EVENT_TYPES = [
  "artifact.pushed",
  "artifact.pulled",
  "artifact.deleted",
  "artifact.denied",
  "artifact.cleared",
  "clearance.lost",
  "tag.moved",
  "quota.exceeded",
  "retention.run",
  "storage.collected",
  "vulnerabilities.changed",
] as const;

const RetentionRule = z.strictObject({
  repository: Pattern.describe("Pattern of repository names; the first rule that fits a repository counts"),
  keepTags: z
    .array(
      z.strictObject({
        tags: Patterns.default(["*"]).describe("Patterns of tags, or `semver`; without a condition all of them stay"),
        lastPushed: z.int().positive().optional().describe("Keep so many that were pushed last"),
        lastPulled: z.int().positive().optional().describe("Keep so many that were pulled last"),
        pushedWithin: Duration.optional().describe("Keep what was pushed within this time, such as `30d`"),
        pulledWithin: Duration.optional().describe("Keep what was pulled within this time"),
      }),
    )
    .optional()
    .describe("A tag stays when one of these keeps it; without the key every tag stays"),
  deleteUntaggedAfter: Duration.optional().describe("Delete manifests that have had no tag for so long"),
});

/** Spread into the `registry` block. */
export const HOUSEKEEPING_KEYS = {
  immutableTags: z
    .array(
      z.strictObject({
        repository: Pattern.describe("Pattern of repository names: `team/**`"),
        tags: Patterns.describe("Patterns of tags, `v*`, or `semver` for every semantic version"),
      }),
    )
    .default([])
    .describe("Tags that, once made, are neither moved nor deleted"),
  history: z
    .strictObject({
      keepLast: z
        .int()
        .nonnegative()
        .default(10)
        .describe("Retention keeps what a tag named in its last so many moves"),
      keepFor: Duration.prefault("30d").describe("Retention keeps what a tag named within this time"),
      movesPerTag: z.int().min(10).default(1000).describe("Older moves of a tag are forgotten beyond so many"),
    })
    .prefault({})
    .describe("History of tags"),
  retention: z
    .strictObject({
      every: Duration.optional().describe("How often the rules are applied; by default only when somebody asks"),
      rules: z.array(RetentionRule).default([]).describe("What stays in which repositories"),
    })
    .prefault({})
    .describe("What is deleted when nobody needs it"),
  quotas: z
    .array(
      z.strictObject({
        repository: Pattern.describe("Pattern of repository names; the first quota that fits a repository counts"),
        bytes: Size.optional().describe("Bytes of all blobs, such as `10GiB`; a blob counts once"),
        tags: z.int().nonnegative().optional().describe("Number of tags"),
        manifests: z.int().nonnegative().optional().describe("Number of manifests"),
      }),
    )
    .default([])
    .describe("How much each repository may hold"),
  events: z
    .strictObject({
      keep: z.int().min(100).default(100_000).describe("How many events can be read afterwards"),
      pulls: z.boolean().default(false).describe("Make an event of every pull, also when no webhook asks for them"),
    })
    .prefault({})
    .describe("Events of the registry"),
  webhooks: z
    .record(
      z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/),
      z.strictObject({
        url: z.url({ protocol: /^https?$/ }).describe("Where events are posted; redirects are not followed"),
        events: z.array(z.enum(EVENT_TYPES)).optional().describe("Which events; by default all but pulls"),
        repository: Pattern.default("**").describe("Only events of repositories that fit this pattern"),
        secretFile: z
          .string()
          .optional()
          .describe("File with the secret (`whsec_…` or any text) of the Standard Webhooks signature"),
        mode: z.enum(["structured", "binary"]).default("structured").describe("How CloudEvents travel in HTTP"),
        attempts: z.int().min(1).max(100).default(10).describe("Given up after so many failures"),
      }),
    )
    .default({})
    .describe("Who is told of events, by name"),
};

const HousekeepingConfig = z.strictObject(HOUSEKEEPING_KEYS);
export type HousekeepingConfig = z.infer<typeof HousekeepingConfig>;
