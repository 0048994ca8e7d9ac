// `pratique registry retention`: applies the retention rules, or shows what they would do.
import { textFlag, type Command } from "../kit/command.ts";
import { columns } from "../kit/terminal.ts";
import { shortDigest } from "../kit/words.ts";

export const registryRetention: Command = {
  name: "registry retention",
  group: "artifacts",
  summary: "delete what no retention rule keeps",
  description:
    "The rules stand under registry.retention in pratique.yaml. --dry-run shows exactly what would go, and why.",
  flags: {
    "dry-run": { type: "boolean", summary: "delete nothing" },
    repository: { type: "string", value: "NAME", summary: "only this repository" },
    kept: { type: "boolean", summary: "show what stays, too, and which rule keeps it" },
  },
  examples: ["pratique registry retention --dry-run --kept", "pratique registry retention --repository team/app"],
  async run({ flags, context }) {
    const { terminal } = context;
    const isDryRun = flags["dry-run"] === true;
    const repository = textFlag(flags, "repository");
    const client = await context.client();
    const report = await client.retention({ isDryRun, ...(repository === undefined ? {} : { repository }) });
    const exit = report.failed.length > 0 ? 1 : 0;
    if (context.json) {
      terminal.out(JSON.stringify(report, null, 2));
      return exit;
    }
    const rows = [
      ...report.removed.map((entry) => ({ ...entry, verb: isDryRun ? "would go" : "gone", tone: "bad" as const })),
      ...report.failed.map((entry) => ({ ...entry, verb: "failed", tone: "bad" as const })),
      ...(flags["kept"] === true || isDryRun
        ? report.kept.map((entry) => ({ ...entry, verb: "stays", tone: "good" as const }))
        : []),
    ];
    if (rows.length === 0) terminal.note("nothing goes");
    else {
      terminal.out(
        columns(
          rows.map(({ verb, tone, repository: name, tag, digest, reason }) => [
            terminal.paint(tone, verb),
            tag === undefined ? name : `${name}:${tag}`,
            shortDigest(digest),
            reason,
          ]),
        ),
      );
    }
    const { removed, kept, failed } = report;
    terminal.note(`${removed.length} ${isDryRun ? "would go" : "gone"}, ${kept.length} stay, ${failed.length} failed`);
    return exit;
  },
};
