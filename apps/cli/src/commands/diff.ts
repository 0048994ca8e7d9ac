// `pratique diff`: what differs between two artifacts, in what they consist of and what they may do.
import type { DiffResult } from "@pratique/contracts";
import { textFlag, type Command } from "../kit/command.ts";
import { columns, type Terminal, type Tone } from "../kit/terminal.ts";
import { shortDigest } from "../kit/words.ts";

/** More of a kind are counted, unless everything is asked for. */
const SHOWN = 25;

export const diff: Command = {
  name: "diff",
  group: "artifacts",
  summary: "show what differs between two artifacts: packages, files, licences, tools, permissions, models",
  usage: "<reference> <reference>",
  minArgs: 2,
  maxArgs: 2,
  flags: {
    all: { type: "boolean", summary: `show more than ${SHOWN} of a kind` },
    "no-files": { type: "boolean", summary: "leave files of images out: their layers are not read" },
    platform: { type: "string", value: "OS/ARCH", summary: "of images for several platforms" },
    "exit-code": { type: "boolean", summary: "exit with 1 when they differ" },
  },
  examples: [
    "pratique diff team/weather:1.0.0 team/weather:1.1.0",
    "pratique diff team/weather:1.0.0 team/weather:1.1.0 --no-files --exit-code",
  ],
  async run({ args, flags, context }) {
    const platform = textFlag(flags, "platform");
    const answer = await (
      await context.client()
    ).diff({
      from: args[0]!,
      to: args[1]!,
      files: flags["no-files"] !== true,
      ...(platform === undefined ? {} : { platform }),
    });
    if (context.json) context.terminal.out(JSON.stringify(answer, null, 2));
    else show(context.terminal, answer, flags["all"] === true ? Number.POSITIVE_INFINITY : SHOWN);
    return flags["exit-code"] === true && !answer.same ? 1 : 0;
  },
};

type Line = readonly [tone: Tone, sign: string, ...cells: string[]];

function show(terminal: Terminal, answer: DiffResult, shown: number): void {
  const { from, to, packages, files, licences, tools, permissions, facts, members } = answer;
  terminal.out(`${from.reference}  ${shortDigest(from.digest)}`);
  terminal.out(`${to.reference}  ${shortDigest(to.digest)}`);
  if (answer.same) terminal.out(`${terminal.paint("good", "✓")} nothing differs`);
  const texts = ({ added, removed }: DiffResult["tools"]): Line[] => [
    ...removed.map((text): Line => ["bad", "-", text]),
    ...added.map((text): Line => ["good", "+", text]),
  ];
  const values = (list: DiffResult["facts"]): Line[] =>
    list.map(({ name, from: was = "(none)", to: is = "(none)" }): Line => [
      "warn",
      "~",
      name,
      `${short(was)} → ${short(is)}`,
    ]);
  section(terminal, "permissions", texts(permissions), shown);
  section(terminal, "tools", texts(tools), shown);
  section(terminal, "members", values(members), shown);
  section(terminal, "facts", values(facts), shown);
  section(
    terminal,
    "packages",
    [
      ...packages.changed.map(({ type, name, from: was, to: is, direction }): Line => [
        "warn",
        { up: "↑", down: "↓", other: "~" }[direction],
        name,
        `${was} → ${is}`,
        type,
      ]),
      ...packages.removed.map(({ type, name, version }): Line => ["bad", "-", name, version, type]),
      ...packages.added.map(({ type, name, version }): Line => ["good", "+", name, version, type]),
    ],
    shown,
  );
  section(terminal, "licences", texts(licences), shown);
  section(
    terminal,
    "files",
    [
      ...files.changed.map(({ path }): Line => ["warn", "~", path]),
      ...files.removed.map(({ path }): Line => ["bad", "-", path]),
      ...files.added.map(({ path }): Line => ["good", "+", path]),
    ],
    shown,
  );
  if (!files.complete) terminal.note("  files: not all of them were compared");
  if (from.origin !== to.origin) terminal.note(`  ${from.reference} is ${from.origin}, ${to.reference} ${to.origin}`);
}

function section(terminal: Terminal, title: string, lines: readonly Line[], shown: number): void {
  if (lines.length === 0) return;
  terminal.out(`\n${terminal.paint("strong", title)}`);
  const rows = lines
    .slice(0, shown)
    .map(([tone, sign, ...cells]) => [`  ${terminal.paint(tone, sign)} ${cells[0] ?? ""}`, ...cells.slice(1)]);
  terminal.out(columns(rows));
  if (lines.length > shown) terminal.out(terminal.paint("dim", `  … and ${lines.length - shown} more (--all)`));
}

function short(text: string): string {
  return /^sha256:[0-9a-f]{64}$/.test(text) ? shortDigest(text) : text;
}
