// `pratique registry quota`: what each repository holds, and may hold.
import type { QuotaUsage } from "@pratique/contracts";
import type { Command } from "../kit/command.ts";
import { columns } from "../kit/terminal.ts";
import { size } from "../kit/words.ts";

export const registryQuota: Command = {
  name: "registry quota",
  group: "artifacts",
  summary: "show what each repository holds, and may hold",
  description:
    "Quotas stand under registry.quotas in pratique.yaml. A blob counts once in each repository that has it.",
  examples: ["pratique registry quota", "pratique registry quota --json"],
  async run({ context }) {
    const { terminal } = context;
    const repositories = await (await context.client()).quotas();
    if (context.json) terminal.out(JSON.stringify({ repositories }, null, 2));
    else if (repositories.length === 0) terminal.note("no repositories yet");
    else {
      const titles = ["REPOSITORY", "BYTES", "OF", "TAGS", "OF", "MANIFESTS", "OF", "QUOTA"];
      terminal.out(
        columns([
          titles.map((title) => terminal.paint("dim", title)),
          ...repositories.map((usage) => [
            usage.repository,
            size(usage.bytes.used),
            usage.bytes.limit === undefined ? "-" : size(usage.bytes.limit),
            ...counts(usage.tags),
            ...counts(usage.manifests),
            usage.quota ?? "none",
          ]),
        ]),
      );
    }
    return 0;
  },
};

function counts({ used, limit }: QuotaUsage["tags"]): string[] {
  return [String(used), limit === undefined ? "-" : String(limit)];
}
