// `pratique policy simulate`: what would change under other policies, over what is recorded and what is stored.
import { resolve } from "node:path";
import type { SimulationResult } from "@pratique/contracts";
import { textFlag, type Command, type ExitCode } from "../kit/command.ts";
import { usageError } from "../kit/run-command.ts";
import { columns, type Terminal } from "../kit/terminal.ts";
import { shortDigest } from "../kit/words.ts";

const SHOWN = 20;
const UNITS_MS: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 };

export const policySimulate: Command = {
  name: "policy simulate",
  group: "account",
  summary: "show what other policies would change, before they are in force",
  description:
    "Makes recorded decisions again over the facts of then, and looks which artifacts would lose their clearance.\nWithout --policies and --pack it tries the policies as their files are now.\nExit code 0: nothing changes; 3: something would be denied or not cleared any more; 1: only more would be allowed.",
  flags: {
    policies: {
      type: "string",
      value: "DIR",
      summary: "directory of policies in place of those in force, or of a pack",
    },
    pack: { type: "string", value: "PACK", summary: "a pack beside those in force: name, directory or reference" },
    since: { type: "string", value: "TIME", summary: "only decisions since then: 2026-11-01, or 7d ago" },
    limit: { type: "string", value: "N", summary: "at most so many records, the newest (100000)" },
  },
  examples: [
    "pratique policy simulate --pack registry-access",
    "pratique policy simulate --policies ./policies --since 7d",
  ],
  async run({ flags, context }) {
    const { terminal, workingDirectory } = context;
    const [directory, pack, limit] = [textFlag(flags, "policies"), textFlag(flags, "pack"), textFlag(flags, "limit")];
    const since = sinceOf(textFlag(flags, "since"));
    if (limit !== undefined && !/^[1-9]\d{0,6}$/.test(limit)) throw usageError(`--limit is \`${limit}\``, "a number");
    const answer = await (
      await context.client()
    ).simulatePolicy({
      ...(directory === undefined ? {} : { directory: resolve(workingDirectory, directory) }),
      ...(pack === undefined ? {} : { pack: /^\.{0,2}\//.test(pack) ? resolve(workingDirectory, pack) : pack }),
      ...(since === undefined ? {} : { since }),
      ...(limit === undefined ? {} : { limit: Number(limit) }),
    });
    if (context.json) terminal.out(JSON.stringify(answer, null, 2));
    else show(terminal, answer);
    return exitCodeOf(answer);
  },
};

function exitCodeOf({ decisions, artifacts }: SimulationResult): ExitCode {
  if (decisions.denies > 0 || artifacts.lose.length > 0) return 3;
  return decisions.allows > 0 || artifacts.gain.length > 0 ? 1 : 0;
}

function show(terminal: Terminal, { policyDigest, inForce, decisions, artifacts }: SimulationResult): void {
  const { replayed, records, denies, allows, unreplayable, recordedOtherwise } = decisions;
  terminal.out(`policies  ${shortDigest(policyDigest)}, in force ${shortDigest(inForce)}`);
  terminal.out(`decisions ${replayed} of ${records} made again: ${denies} would be denied, ${allows} allowed`);
  for (const { policy, examples, ...counts } of decisions.policies) {
    const change = [
      ...(counts.denies > 0 ? [`denies ${counts.denies}`] : []),
      ...(counts.allows > 0 ? [`allows ${counts.allows}`] : []),
    ];
    terminal.out(`  ${policy === "none" ? "no policy allows it" : policy}  ${change.join(", ")}`);
    const lines = examples.map(({ verdict, action, what, who, record }) => [
      `    ${terminal.paint(verdict === "allow" ? "good" : "bad", verdict)}`,
      action,
      what,
      who,
      record,
    ]);
    if (lines.length > 0) terminal.out(columns(lines));
  }
  const missing = Object.entries({
    "facts not kept": unreplayable["not-kept"],
    "facts of another form": unreplayable["other-facts"],
    lists: unreplayable.list,
  }).filter(([, count]) => count > 0);
  if (missing.length > 0) {
    terminal.out(`  not made again: ${missing.map(([why, count]) => `${count} (${why})`).join(", ")}`);
  }
  if (recordedOtherwise > 0) {
    terminal.out(`  ${recordedOtherwise} are recorded otherwise than the policies in force decide now`);
  }
  showArtifacts(terminal, artifacts);
}

function showArtifacts(
  terminal: Terminal,
  { looked, lose, gain, again, unreadable }: SimulationResult["artifacts"],
): void {
  terminal.out(`artifacts ${looked} looked at: ${lose.length} lose their clearance, ${gain.length} could be cleared`);
  for (const [sign, list] of [
    [terminal.paint("bad", "✗"), lose],
    [terminal.paint("good", "✓"), gain],
  ] as const) {
    for (const { reference, policies } of list.slice(0, SHOWN)) {
      terminal.out(`  ${sign} ${reference}  ${policies.join(", ") || "no policy allows it"}`);
    }
    if (list.length > SHOWN) terminal.out(`    and ${list.length - SHOWN} more: --json`);
  }
  if (again > 0) terminal.out(`  ${again} would have to be cleared again, and can be`);
  if (unreadable > 0) terminal.out(`  ${unreadable} could not be read`);
}

/** A date, a time, or how long ago. */
function sinceOf(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  const [, count, unit = ""] = /^(\d{1,6})([mhdw])$/.exec(text) ?? [];
  const time = count === undefined ? Date.parse(text) : Date.now() - Number(count) * (UNITS_MS[unit] ?? 0);
  if (Number.isNaN(time)) throw usageError(`--since is \`${text}\``, "a time such as 2026-11-01 or 7d");
  return new Date(time).toISOString();
}
