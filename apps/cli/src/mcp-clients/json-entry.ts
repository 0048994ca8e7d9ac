// JSON, with the comments and trailing commas that editors allow.
import { findNodeAtLocation, parse, parseTree, type Node, type ParseError } from "jsonc-parser";
import type { EntryText, Tree } from "./entry-format.ts";

export const jsonText: EntryText = {
  parse(text) {
    const errors: ParseError[] = [];
    const value: unknown = text.trim() === "" ? {} : parse(text, errors, { allowTrailingComma: true });
    if (errors.length > 0) throw new Error("it is no JSON, also with comments");
    if (typeof value !== "object" || value === null || Array.isArray(value)) throw new Error("it is not a JSON object");
    return value as Tree;
  },
  insert(text, { at, name }, value) {
    const path = [...at, name];
    const root = rootOf(text);
    if (root === undefined) return [`${JSON.stringify(nested(path, value), undefined, 2)}\n`];
    let holder = root;
    let depth = 0;
    for (; depth < at.length; depth += 1) {
      const inner = findNodeAtLocation(root, path.slice(0, depth + 1));
      if (inner === undefined) break;
      holder = inner;
    }
    if (holder.type !== "object") return [];
    return [withProperty(text, holder, path[depth] ?? name, nested(path.slice(depth + 1), value))];
  },
  remove(text, { at, name }) {
    const property = propertyAt(text, [...at, name]);
    return property === undefined ? [] : withoutProperty(text, property);
  },
  removeHolder(text, at) {
    const property = propertyAt(text, at);
    const holder = property?.children?.[1];
    if (property === undefined || holder?.type !== "object" || holder.children?.length !== 0) return undefined;
    // What somebody wrote into it is not ours.
    const isBare = text.slice(holder.offset, endOf(holder)).replaceAll(/\s/g, "") === "{}";
    return isBare ? withoutProperty(text, property)[0] : undefined;
  },
};

function rootOf(text: string): Node | undefined {
  return parseTree(text, [], { allowTrailingComma: true });
}

function propertyAt(text: string, path: readonly string[]): Node | undefined {
  const root = rootOf(text);
  return root === undefined ? undefined : findNodeAtLocation(root, [...path])?.parent;
}

function endOf({ offset, length }: Node): number {
  return offset + length;
}

function nested([key, ...rest]: readonly string[], value: Tree): Tree {
  return key === undefined ? value : { [key]: nested(rest, value) };
}

/** After the last one, on a line of its own where the others have theirs. */
function withProperty(text: string, holder: Node, key: string, value: Tree): string {
  const eol = text.includes("\r\n") ? "\r\n" : "\n";
  const last = holder.children?.at(-1);
  const body = text.slice(holder.offset, endOf(holder));
  const unit = /\{[^\S\n]*\r?\n([ \t]+)/.exec(text)?.[1] ?? "  ";
  const outer = indentAt(text, holder.offset);
  if (last !== undefined && !body.includes("\n")) {
    return insertAt(text, endOf(last), `, ${JSON.stringify(key)}: ${JSON.stringify(value)}`);
  }
  const indent = last === undefined ? outer + unit : indentAt(text, last.offset);
  const json = JSON.stringify(value, undefined, unit).replaceAll("\n", eol + indent);
  const line = `${eol}${indent}${JSON.stringify(key)}: ${json}`;
  if (last !== undefined) return insertAt(text, endOf(last), `,${line}`);
  return insertAt(text, holder.offset + 1, `${line}${eol}${outer}`);
}

/** The one that changes least first. */
function withoutProperty(text: string, property: Node): string[] {
  const siblings = property.parent?.children ?? [];
  const at = siblings.indexOf(property);
  const before = siblings[at - 1];
  const after = siblings[at + 1];
  if (before !== undefined) {
    const between = text.slice(endOf(before), property.offset);
    const isPlain = /^\s*,\s*$/.test(between);
    const cut = text.slice(0, endOf(before)) + text.slice(endOf(property));
    // With comments before it, the comma goes and they stay.
    const kept = text.slice(0, endOf(before)) + between.replace(",", "").trimEnd() + text.slice(endOf(property));
    return isPlain ? [cut] : [kept, cut];
  }
  if (after !== undefined) return [text.slice(0, property.offset) + text.slice(after.offset)];
  const holder = property.parent;
  const start = holder === undefined ? property.offset : holder.offset + 1;
  const lead = /^\s*$/.test(text.slice(start, property.offset)) ? start : property.offset;
  const rest = text.slice(endOf(property)).replace(/^\s*,/, "");
  const outer = holder === undefined ? "" : indentAt(text, holder.offset);
  const line = new RegExp(`^\\r?\\n${outer}`).exec(rest)?.[0] ?? "";
  return [text.slice(0, lead) + rest.slice(line.length), text.slice(0, property.offset) + rest];
}

/** White space at the start of the line. */
function indentAt(text: string, offset: number): string {
  return /^[ \t]*/.exec(text.slice(text.lastIndexOf("\n", offset - 1) + 1))?.[0] ?? "";
}

function insertAt(text: string, offset: number, what: string): string {
  return text.slice(0, offset) + what + text.slice(offset);
}
