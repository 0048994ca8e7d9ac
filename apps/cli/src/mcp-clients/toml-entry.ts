// TOML: a table may stand anywhere, so ours stands at the end.
import { parse, stringify } from "smol-toml";
import type { EntryText } from "./entry-format.ts";

export const tomlText: EntryText = {
  parse: (text) => plain(parse(text)),
  insert(text, { at, name }, value) {
    const eol = text.includes("\r\n") ? "\r\n" : "\n";
    const gap = text === "" ? "" : text.endsWith("\n") ? eol : eol + eol;
    const rows = Object.entries(value).map(([key, one]) => `${keyOf(key)} = ${valueOf(one)}`);
    return [`${text}${gap}[${[...at, name].map(keyOf).join(".")}]${eol}${rows.join(eol)}${eol}`];
  },
  remove(text, { at, name }) {
    const header = [...at, name].map((key) => `(?:${escaped(keyOf(key))}|"${escaped(key)}")`).join("\\s*\\.\\s*");
    const begin = new RegExp(`^[ \\t]*\\[\\s*${header}\\s*\\][^\\n]*(?:\\n|$)`, "m").exec(text);
    if (begin === null) return [];
    const rest = text.slice(begin.index + begin[0].length);
    const next = /^[ \t]*\[/m.exec(rest);
    // Blank lines and comments right before the next table belong to it.
    const body = next === null ? rest : rest.slice(0, next.index);
    const own = /^(?:[ \t]*[^\s#][^\n]*(?:\n|$))*/.exec(body)?.[0] ?? "";
    const head = text.slice(0, begin.index).replace(/\r?\n(\r?\n)$/, "$1");
    return [head + rest.slice(own.length)];
  },
  removeHolder: () => undefined,
};

/** Its tables have no prototype. */
function plain(value: unknown): Record<string, unknown> {
  return JSON.parse(JSON.stringify(value)) as Record<string, unknown>;
}

function keyOf(key: string): string {
  return /^[A-Za-z0-9_-]+$/.test(key) ? key : JSON.stringify(key);
}

/** Tables inline, so that the entry is one block. */
function valueOf(value: unknown): string {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    const rows = Object.entries(value).map(([key, one]) => `${keyOf(key)} = ${valueOf(one)}`);
    return `{ ${rows.join(", ")} }`;
  }
  return stringify({ value })
    .trim()
    .replace(/^value = /, "");
}

function escaped(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&");
}
