// JSON files that others write: a value set or taken away, all the rest as it was.

export interface JsonStyle {
  readonly indent: string;
  readonly ending: string;
}

/** How a file is written, so that it stays so. */
export function styleOf(text: string): JsonStyle {
  return {
    indent: /^\s*\{\r?\n([ \t]+)/.exec(text)?.[1] ?? (/^\s*\{[^\n]+\}\s*$/.test(text) ? "" : "\t"),
    ending: /\s*$/.exec(text)?.[0] ?? "",
  };
}

export function writeJson(value: unknown, { indent, ending }: JsonStyle): string {
  return JSON.stringify(value, undefined, indent) + ending;
}

type Tree = Record<string, unknown>;

function isTree(value: unknown): value is Tree {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Undefined when there is nothing at that place. */
export function valueAt(tree: Tree, at: readonly string[]): unknown {
  let value: unknown = tree;
  for (const key of at) value = isTree(value) && Object.hasOwn(value, key) ? value[key] : undefined;
  return value;
}

/** The tree with a value set; without one, it is taken away. Key order stays. */
export function withValue(tree: Tree, [key, ...rest]: readonly string[], value: unknown): Tree {
  if (key === undefined) return tree;
  const before = Object.hasOwn(tree, key) ? tree[key] : undefined;
  const after = rest.length === 0 ? value : withValue(isTree(before) ? before : {}, rest, value);
  if (after !== undefined) return { ...tree, [key]: after };
  return Object.fromEntries(Object.entries(tree).filter(([name]) => name !== key));
}
