// The difference of two JSON values as lines that a person can read.
import { isJsonObject, type Json, type JsonObject } from "@pratique/core";

const LINE_LIMIT = 200;
const LINES_LIMIT = 2000;
const DEPTH_LIMIT = 32;

/** `- path: old` and `+ path: new`, member by member; nothing when they are equal. */
export function differenceLines(was: Json | undefined, is: Json | undefined, path = ""): string[] {
  const lines: string[] = [];
  compare(was, is, path, 0, lines);
  return lines.length <= LINES_LIMIT
    ? lines
    : [...lines.slice(0, LINES_LIMIT), `… and ${lines.length - LINES_LIMIT} lines more`];
}

function compare(was: Json | undefined, is: Json | undefined, path: string, depth: number, lines: string[]): void {
  if (was === is) return;
  if (isJsonObject(was) && isJsonObject(is) && depth < DEPTH_LIMIT) {
    for (const key of membersOf(was, is)) {
      compare(own(was, key), own(is, key), path === "" ? shown(key) : `${path}.${shown(key)}`, depth + 1, lines);
    }
    return;
  }
  if (JSON.stringify(was) === JSON.stringify(is)) return;
  if (was !== undefined) lines.push(...textLines("-", path, was));
  if (is !== undefined) lines.push(...textLines("+", path, is));
}

function membersOf(was: JsonObject, is: JsonObject): Set<string> {
  return new Set([...Object.keys(was), ...Object.keys(is)]);
}

function own(value: JsonObject, key: string): Json | undefined {
  return Object.hasOwn(value, key) ? value[key] : undefined;
}

function textLines(sign: string, path: string, value: Json): string[] {
  const text = typeof value === "string" ? value : (JSON.stringify(value) ?? "");
  const label = path === "" ? "" : `${path}: `;
  return text
    .split("\n")
    .flatMap((line) => pieces(shown(line)))
    .map((piece, at) => `${sign} ${at === 0 ? label : "  "}${piece}`);
}

/** Long lines are broken, not cut: nothing of them may stay unseen. */
function pieces(line: string): string[] {
  if (line.length <= LINE_LIMIT) return [line];
  return Array.from({ length: Math.ceil(line.length / LINE_LIMIT) }, (_, at) =>
    line.slice(at * LINE_LIMIT, (at + 1) * LINE_LIMIT),
  );
}

/** What nobody would see is written out: a difference that hides is none. */
function shown(text: string): string {
  return text
    .replace(
      /[\p{Cc}\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\u{e0000}-\u{e01ef}]/gu,
      (one) => `\\u{${(one.codePointAt(0) ?? 0).toString(16)}}`,
    )
    .toWellFormed();
}
