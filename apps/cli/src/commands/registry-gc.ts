// `pratique registry gc`: removes blobs that no manifest needs.
import { textFlag, type Command } from "../kit/command.ts";
import { columns } from "../kit/terminal.ts";
import { counted, size } from "../kit/words.ts";

export const registryGc: Command = {
  name: "registry gc",
  group: "artifacts",
  summary: "remove blobs that no manifest needs",
  description:
    "Pushes and pulls go on meanwhile. A blob stays for the grace period after somebody was last told that it is there, and after the daemon's start. Manifests, tagged or not, are never removed: pratique registry retention does that.",
  flags: {
    "dry-run": { type: "boolean", summary: "remove nothing" },
    grace: { type: "string", value: "DURATION", summary: "such as 1h; by default registry.collect.grace" },
  },
  examples: ["pratique registry gc --dry-run", "pratique registry gc --grace 1h"],
  async run({ flags, context }) {
    const { terminal } = context;
    const isDryRun = flags["dry-run"] === true;
    const grace = textFlag(flags, "grace");
    const client = await context.client();
    const report = await client.collect({ isDryRun, ...(grace === undefined ? {} : { grace }) });
    if (context.json) {
      terminal.out(JSON.stringify(report, null, 2));
      return 0;
    }
    const { collected, skipped, removed, freedBytes, kept } = report;
    const verb = isDryRun ? "would go" : "gone";
    const rows = [
      ...collected.map(({ repository, blobs, bytes }) => [
        terminal.paint("bad", verb),
        repository,
        counted(blobs, "blob"),
        size(bytes),
      ]),
      ...skipped.map(({ repository, reason }) => [terminal.paint("warn", "skipped"), repository, reason, ""]),
    ];
    if (rows.length > 0) terminal.out(columns(rows));
    const also = [
      ...(removed.uploads > 0 ? [counted(removed.uploads, "abandoned upload")] : []),
      ...(removed.partialFiles > 0 ? [counted(removed.partialFiles, "partial file")] : []),
    ];
    terminal.note(`${[counted(removed.blobs, "blob"), ...also].join(", ")} ${verb}, ${size(freedBytes)} of disk`);
    const undecided = kept.undecided > 0 ? `, ${kept.undecided} undecided: pratique registry scrub says why` : "";
    terminal.note(`${kept.referenced} needed, ${kept.leased} within the grace period${undecided}`);
    return 0;
  },
};
