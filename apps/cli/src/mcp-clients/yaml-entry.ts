// YAML: lines put between lines, and cut out again; what is written in one line is left to the library.
import { isMap, isPair, isScalar, isSeq, parseDocument, stringify, type Document, type Pair } from "yaml";
import { isTree, type EntryPlace, type EntryText, type Tree } from "./entry-format.ts";

export const yamlText: EntryText = {
  parse(text) {
    const document = read(text);
    const value: unknown = document.toJS() ?? {};
    if (!isTree(value)) throw new Error("it is not a map");
    return value;
  },
  insert(text, place, value) {
    const [key, ...deeper] = place.at;
    if (key === undefined || deeper.length > 0) return [];
    const document = read(text);
    const holder = isMap(document.contents) ? document.get(key, true) : undefined;
    const candidates = [
      holder === undefined ? atTheEnd(text, key, place, value) : between(text, holder, place, value),
      rewritten(document, place, value),
    ];
    return candidates.filter((one) => one !== undefined);
  },
  remove(text, place) {
    const document = read(text);
    const holder = document.getIn([...place.at], true);
    const range =
      isMap(holder) && holder.flow !== true ? pairRange(holder.items, place.name) : itemRange(holder, place.name);
    return [...(range === undefined ? [] : [withoutLines(text, range)]), rewritten(document, place, undefined)];
  },
  removeHolder(text, at) {
    const key = at[0];
    if (key === undefined) return undefined;
    const document = read(text);
    const holder = document.get(key, true);
    const isEmpty = isScalar(holder)
      ? holder.value === null
      : (isMap(holder) || isSeq(holder)) && holder.items.length === 0;
    const range = isMap(document.contents) && isEmpty ? pairRange(document.contents.items, key) : undefined;
    if (range === undefined) return undefined;
    return withoutLines(text, range);
  },
};

function read(text: string): Document.Parsed {
  const document = parseDocument(text, { uniqueKeys: true });
  const [error] = document.errors;
  if (error !== undefined) throw new Error(error.message);
  return document;
}

function atTheEnd(text: string, key: string, place: EntryPlace, value: Tree): string {
  const eol = text.includes("\r\n") ? "\r\n" : "\n";
  const gap = text === "" || text.endsWith("\n") ? "" : eol;
  return `${text}${gap}${linesOf({ [key]: place.isList === true ? [value] : { [place.name]: value } }, "", eol)}`;
}

function between(text: string, holder: unknown, place: EntryPlace, value: Tree): string | undefined {
  const isBlock = (isMap(holder) || isSeq(holder)) && holder.flow !== true && holder.items.length > 0;
  if (!isBlock || !holder.range) return undefined;
  const [first] = holder.items;
  const firstStart = isPair(first) ? rangeOf(first.key)?.[0] : rangeOf(first)?.[0];
  if (firstStart === undefined) return undefined;
  const before = text.slice(lineStart(text, firstStart), firstStart);
  const indent = /^([ \t]*)(?:-[ \t]+)?$/.exec(before)?.[1];
  if (indent === undefined) return undefined;
  const eol = text.includes("\r\n") ? "\r\n" : "\n";
  const end = lineEnd(text, holder.range[1]);
  const gap = end > 0 && text[end - 1] !== "\n" ? eol : "";
  return (
    text.slice(0, end) +
    gap +
    linesOf(place.isList === true ? [value] : { [place.name]: value }, indent, eol) +
    text.slice(end)
  );
}

/** Comments stay; spacing may not. */
function rewritten(
  document: Document.Parsed,
  { at, name, isList = false }: EntryPlace,
  value: Tree | undefined,
): string {
  if (isList) {
    const list = document.getIn([...at]);
    if (value !== undefined) {
      if (isSeq(list)) list.add(document.createNode(value));
      else document.setIn([...at], [value]);
    } else if (isSeq(list)) list.items = list.items.filter((one) => !(isMap(one) && one.get("name") === name));
  } else if (value === undefined) document.deleteIn([...at, name]);
  else {
    if (!isMap(document.getIn([...at]))) document.setIn([...at], document.createNode({}));
    document.setIn([...at, name], document.createNode(value));
  }
  return document.toString({ lineWidth: 0 });
}

function linesOf(value: unknown, indent: string, eol: string): string {
  const lines = stringify(value, { lineWidth: 0 }).trimEnd().split("\n");
  return lines.map((line) => `${indent}${line}${eol}`).join("");
}

function pairRange(items: readonly Pair[], name: string): [number, number] | undefined {
  const pair = items.find(({ key }) => isScalar(key) && key.value === name);
  const start = rangeOf(pair?.key)?.[0];
  const end = rangeOf(pair?.value)?.[1] ?? rangeOf(pair?.key)?.[1];
  return start === undefined || end === undefined ? undefined : [start, end];
}

function itemRange(holder: unknown, name: string): [number, number] | undefined {
  if (!isSeq(holder) || holder.flow === true) return undefined;
  const range = rangeOf(holder.items.find((one) => isMap(one) && one.get("name") === name));
  return range === undefined ? undefined : [range[0], range[1]];
}

function rangeOf(node: unknown): readonly [number, number, number] | undefined {
  if (typeof node !== "object" || node === null || !("range" in node)) return undefined;
  return Array.isArray(node.range) ? (node.range as unknown as readonly [number, number, number]) : undefined;
}

/** All lines that the range touches. */
function withoutLines(text: string, [from, to]: readonly [number, number]): string {
  return text.slice(0, lineStart(text, from)) + text.slice(lineEnd(text, to));
}

function lineStart(text: string, at: number): number {
  return text.lastIndexOf("\n", at - 1) + 1;
}

/** The start of the line after. */
function lineEnd(text: string, at: number): number {
  if (at > 0 && text[at - 1] === "\n") return at;
  const end = text.indexOf("\n", at);
  return end === -1 ? text.length : end + 1;
}
