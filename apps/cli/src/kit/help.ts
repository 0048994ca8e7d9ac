// Help pages, made from the command literals.
import type { Command, Flag, Group } from "./command.ts";
import { columns, wrapped } from "./terminal.ts";

/** Flags that every command takes. */
export const GLOBAL_FLAGS: Readonly<Record<string, Flag>> = {
  help: { type: "boolean", short: "h", summary: "show help" },
  json: { type: "boolean", summary: "print one JSON document instead of text" },
  home: {
    type: "string",
    value: "DIR",
    summary: "state directory (default: PRATIQUE_HOME, else the XDG data directory)",
  },
};

/** Help fits a terminal of the usual width. */
const WIDTH = 80;

const GROUPS: readonly (readonly [Group, string])[] = [
  ["everyday", "EVERYDAY"],
  ["artifacts", "ARTIFACTS"],
  ["account", "ACCOUNT"],
  ["set-up", "SET-UP"],
];

function flagRows(flags: Readonly<Record<string, Flag>>): string[][] {
  return Object.entries(flags).map(([name, flag]) => [
    `  ${flag.short === undefined ? "    " : `-${flag.short}, `}--${name}${flag.value === undefined ? "" : ` ${flag.value}`}`,
    flag.summary,
  ]);
}

function paragraph(text: string): string {
  return wrapped(text, WIDTH);
}

/** Help of one command. */
export function commandHelp(command: Command): string {
  const own = Object.entries(command.flags ?? {});
  const parts = [
    wrapped(command.summary, WIDTH),
    ...(command.description === undefined ? [] : ["", ...command.description.split("\n").map(paragraph)]),
    "",
    "EXAMPLES",
    ...command.examples.map((example) => `  ${example}`),
    "",
    "USAGE",
    `  pratique ${[command.name, command.usage, "[flags]"].filter((part) => part !== undefined && part !== "").join(" ")}`,
    ...(own.length === 0 ? [] : ["", "FLAGS", columns(flagRows(command.flags ?? {}), WIDTH)]),
    "",
    "INHERITED FLAGS",
    columns(flagRows(GLOBAL_FLAGS), WIDTH),
  ];
  return parts.join("\n");
}

/** The first page: what a person wants to do, then everything by group. */
export function rootHelp(commands: readonly Command[], version: string): string {
  const lines = [
    `Pratique ${version}: clearance for AI workloads.`,
    "",
    "Package models, MCP servers, skills and agents; prove where they come from; let",
    "policy clear them; run them isolated; and keep a record of every act.",
    "",
    "START HERE",
    "  pratique voyage                  see the whole flow once, on real inputs",
    "  pratique up                      start the daemon",
    "  pratique pack ./my-agent         make an OCI artifact of a directory",
  ];
  for (const [group, title] of GROUPS) {
    const rows = commands
      .filter((command) => command.group === group)
      .map((command) => [`  ${command.name}`, command.summary]);
    if (rows.length > 0) lines.push("", title, columns(rows, WIDTH));
  }
  lines.push(
    "",
    "FLAGS",
    columns([...flagRows(GLOBAL_FLAGS), ["      --version", "print the version"]], WIDTH),
    "",
    "ENVIRONMENT",
    columns(
      [
        ["  PRATIQUE_HOME", "state directory"],
        ["  PRATIQUE_URL", "daemon to talk to (default http://127.0.0.1:7340)"],
        ["  PRATIQUE_TOKEN", "token for that daemon (default: the owner token of the state directory)"],
        ["  NO_COLOR", "no colour"],
      ],
      WIDTH,
    ),
    "",
    "EXIT CODES",
    "  0 done   1 failed   2 wrong usage   3 denied by policy",
    "",
    "`pratique COMMAND --help` shows one command; `pratique explain CODE` an error code.",
  );
  return lines.join("\n");
}

/** Help of a noun that has verbs, e.g. `audit`. */
export function nounHelp(noun: string, commands: readonly Command[]): string {
  return [
    `${noun}: what can be done`,
    "",
    columns(
      commands.map((command) => [`  pratique ${command.name}`, command.summary]),
      WIDTH,
    ),
  ].join("\n");
}
