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
    out: (text) => void process.stdout.write(`${text}\n`),
    note: (text) => void process.stderr.write(`${text}\n`),
    interactive: process.stderr.isTTY === true,
    paint: (tone, text) => util().styleText(STYLES[tone], text, { stream: process.stdout }),
  };
}

/** Aligns rows in columns, two spaces apart; the last column is not padded. */
export function columns(rows: readonly (readonly string[])[]): string {
  const widths: number[] = [];
  for (const row of rows) {
    row.forEach((cell, index) => (widths[index] = Math.max(widths[index] ?? 0, visibleLength(cell))));
  }
  return rows
    .map((row) =>
      row
        .map((cell, index) =>
          index === row.length - 1 ? cell : cell + " ".repeat(widths[index]! - visibleLength(cell)),
        )
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

function visibleLength(text: string): number {
  return util().stripVTControlCharacters(text).length;
}

/** Importing it as a module loads all that it hands on, which takes longer than the rest of a short command. */
function util(): typeof Util {
  return process.getBuiltinModule("node:util");
}
