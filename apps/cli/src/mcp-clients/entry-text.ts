// One entry in a configuration that somebody else owns: put in and taken out as text, so that the rest stays as it is.
import { isDeepStrictEqual } from "node:util";
import { cliErrors } from "../errors.ts";
import { isTree, type EntryPlace, type EntryText, type Format, type Tree } from "./entry-format.ts";
import { jsonText } from "./json-entry.ts";
import { tomlText } from "./toml-entry.ts";
import { yamlText } from "./yaml-entry.ts";

const FORMATS: Readonly<Record<Format, EntryText>> = { json: jsonText, yaml: yamlText, toml: tomlText };
/** Some editors begin their files with it. */
const MARK = "\u{FEFF}";

/** @throws `connect.unreadable` */
export function entryIn(format: Format, text: string, place: EntryPlace, path: string): unknown {
  return valueAt(parsed(format, text, path), place);
}

/** The text with the entry, and without a change to anything else. @throws `connect.unreadable` */
export function withEntry(format: Format, text: string, place: EntryPlace, value: Tree, path: string): string {
  const wanted = withValue(parsed(format, text, path), place, value);
  const [mark, bare] = unmarked(text);
  const after = FORMATS[format].insert(bare, place, value).find((one) => isDeepStrictEqual(read(format, one), wanted));
  if (after !== undefined) return mark + after;
  const reason = `${place.at.join(".")} is written in a way that cannot be added to`;
  throw cliErrors("connect.unreadable", { file: path, reason });
}

/** The text without the entry. `made`: what held it was made for it. @throws `connect.unreadable` */
export function withoutEntry(format: Format, text: string, place: EntryPlace, made: boolean, path: string): string {
  const before = parsed(format, text, path);
  if (valueAt(before, place) === undefined) return text;
  const wanted = normal(withValue(before, place, undefined));
  const isRight = (one: string): boolean => isDeepStrictEqual(normal(read(format, one)), wanted);
  const [mark, bare] = unmarked(text);
  const after = FORMATS[format].remove(bare, place).find(isRight);
  if (after === undefined)
    throw cliErrors("connect.unreadable", { file: path, reason: `${place.name} cannot be taken out by itself` });
  const emptied = made ? FORMATS[format].removeHolder(after, place.at) : undefined;
  return mark + (emptied !== undefined && isRight(emptied) ? emptied : after);
}

function unmarked(text: string): readonly [mark: string, bare: string] {
  return text.startsWith(MARK) ? [MARK, text.slice(MARK.length)] : ["", text];
}

/** Undefined for what we must not write. */
function read(format: Format, text: string): Tree | undefined {
  try {
    return FORMATS[format].parse(text);
  } catch {
    return undefined;
  }
}

function parsed(format: Format, text: string, path: string): Tree {
  try {
    return FORMATS[format].parse(unmarked(text)[1]);
  } catch (cause) {
    const reason = cause instanceof Error ? (cause.message.split("\n")[0] ?? "") : "";
    throw cliErrors("connect.unreadable", { file: path, reason }, { cause });
  }
}

function valueAt(tree: Tree, { at, name, isList = false }: EntryPlace): unknown {
  const holder = holderAt(tree, at);
  if (!isList) return isTree(holder) && Object.hasOwn(holder, name) ? holder[name] : undefined;
  return Array.isArray(holder) ? holder.find((one) => isTree(one) && one["name"] === name) : undefined;
}

function holderAt(tree: Tree, at: readonly string[]): unknown {
  let value: unknown = tree;
  for (const key of at) value = isTree(value) && Object.hasOwn(value, key) ? value[key] : undefined;
  return value;
}

function withValue(tree: Tree, place: EntryPlace, value: Tree | undefined): Tree {
  const [key, ...rest] = place.at;
  if (key !== undefined) {
    const inner = Object.hasOwn(tree, key) ? tree[key] : undefined;
    if (rest.length === 0 && place.isList === true) return { ...tree, [key]: withItem(inner, place.name, value) };
    return { ...tree, [key]: withValue(isTree(inner) ? inner : {}, { ...place, at: rest }, value) };
  }
  if (value !== undefined) return { ...tree, [place.name]: value };
  return Object.fromEntries(Object.entries(tree).filter(([name]) => name !== place.name));
}

function withItem(list: unknown, name: string, value: Tree | undefined): unknown[] {
  const others = Array.isArray(list) ? list.filter((one) => !(isTree(one) && one["name"] === name)) : [];
  return value === undefined ? others : [...others, value];
}

/** An object that lost its last member may be written as nothing. */
function normal(value: unknown): unknown {
  if (!isTree(value)) return value;
  const entries = Object.entries(value).map(([key, one]) => [key, normal(one)] as const);
  return Object.fromEntries(entries.filter(([, one]) => !isEmpty(one)));
}

function isEmpty(value: unknown): boolean {
  if (Array.isArray(value)) return value.length === 0;
  return value === null || value === undefined || (isTree(value) && Object.keys(value).length === 0);
}
