// The two streams a command writes to, and colour that means something.
import type * as Util from "node:util";

export type Tone = "good" | "bad" | "warn" | "dim" | "accent" | "strong";

export interface Terminal {
  /** Data: goes to standard output. */
  out(text: string): void;
  /** Progress, notes and errors: go to standard error. */
  note(text: string): void;
  /** Puts these lines over those of the last call, on standard error; none takes them away. Only when `interactive`. */
  draw(lines: readonly string[]): void;
  /** True when standard error is a terminal, so that progress may be drawn. */
  readonly interactive: boolean;
  /** Characters in a line of standard output, when that is a terminal. */
  readonly width?: number | undefined;
  /** Colours a text for standard output, or leaves it plain. */
  paint(tone: Tone, text: string): string;
}

const STYLES: Readonly<Record<Tone, Parameters<typeof Util.styleText>[0]>> = {
  good: "green",
  bad: "red",
  warn: "yellow",
  dim: "dim",
  accent: "cyan",
  strong: "bold",
};

/** The process's own terminal. Honours NO_COLOR and non-terminals through `styleText`. */
export function processTerminal(): Terminal {
  let drawn = 0;
  return {
    draw: (lines) => {
      // A terminal that was never told its size says 0.
      const width = process.stderr.columns > 0 ? process.stderr.columns : 80;
      const up = drawn === 0 ? "" : `\u001b[${drawn}A`;
      process.stderr.write(`${up}\r\u001b[J${lines.map((line) => `${line.slice(0, width - 1)}\n`).join("")}`);
      drawn = lines.length;
    },
    out: (text) => void process.stdout.write(`${shown(text, process.stdout)}\n`),
    note: (text) => void process.stderr.write(`${shown(text, process.stderr)}\n`),
    interactive: process.stderr.isTTY === true,
    ...(process.stdout.isTTY && process.stdout.columns > 0 ? { width: process.stdout.columns } : {}),
    paint: (tone, text) => util().styleText(STYLES[tone], text, { stream: process.stdout }),
  };
}

/** All but line ends, tabs and the colours of `paint`: names in artifacts may hold what moves a cursor or hides a line. */
const CONTROLS = new RegExp(
  String.raw`(?!\u001b\[(?:0|1|2|22|3[1236]|39)m)[\u0000-\u0008\u000b-\u001f\u007f-\u009f]|[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]`,
  "g",
);

/** What goes into a file or a pipe stays as it is. */
function shown(text: string, stream: { readonly isTTY?: boolean }): string {
  return stream.isTTY === true ? withoutControls(text) : text;
}

/** A text in which nothing speaks to the terminal but our own colours; what did is shown as `\ufffd`. */
export function withoutControls(text: string): string {
  return text.replace(CONTROLS, "\ufffd");
}

/**
 * Aligns rows in columns, two spaces apart; the last column is not padded, and goes on below itself where it would be
 * wider than `width`.
 */
export function columns(rows: readonly (readonly string[])[], width = Infinity): string {
  const widths: number[] = [];
  for (const row of rows) {
    row.forEach((cell, index) => (widths[index] = Math.max(widths[index] ?? 0, visibleLength(cell))));
  }
  return rows
    .map((row) => {
      const indent = widths.slice(0, row.length - 1).reduce((sum, one) => sum + one + 2, 0);
      return row
        .map((cell, index) =>
          index === row.length - 1
            ? wrapped(cell, width - indent, indent)
            : cell + " ".repeat(widths[index]! - visibleLength(cell)),
        )
        .join("  ")
        .trimEnd();
    })
    .join("\n");
}

/** A last column of fewer characters is not worth the lines. */
const LEAST_WIDTH = 20;

/** A text in lines of at most `width` where its words allow it; those after the first are indented. */
export function wrapped(text: string, width: number, indent = 0): string {
  if (width < LEAST_WIDTH || visibleLength(text) <= width) return text;
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    const longer = line === "" ? word : `${line} ${word}`;
    if (line === "" || visibleLength(longer) <= width) line = longer;
    else {
      lines.push(line);
      line = word;
    }
  }
  return [...lines, line].join(`\n${" ".repeat(indent)}`);
}

function visibleLength(text: string): number {
  return util().stripVTControlCharacters(text).length;
}

/** Importing it as a module loads all that it hands on, which takes longer than the rest of a short command. */
function util(): typeof Util {
  return process.getBuiltinModule("node:util");
}
