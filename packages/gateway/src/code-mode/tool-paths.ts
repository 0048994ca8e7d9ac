// Where a program finds each tool: `tools.create_issue`, or `tools.github.create_issue` where its server is known.

const NOT_IN_NAMES = /[^A-Za-z0-9_$]/g;
/** Words that end or begin something else after a dot would still be fine, but these are read as methods of every object. */
const TAKEN = new Set(["__proto__", "constructor", "prototype", "then", "toJSON", "toString", "valueOf"]);

export interface ToolPaths {
  readonly list: readonly (readonly [path: readonly string[], name: string])[];
  /** As a program writes it. */
  of(name: string): string;
}

/** One path for each public name, distinct, stable as long as the names are. */
export function toolPaths(names: readonly string[], serverOf: (name: string) => string | undefined): ToolPaths {
  const taken = new Set<string>();
  /** Whether the first part of a path is a tool itself or holds tools: it cannot be both. */
  const depths = new Map<string, number>();
  const paths = new Map<string, readonly string[]>();
  for (const name of names) {
    const server = serverOf(name);
    const prefix = server === undefined ? undefined : `${server}__`;
    const own = prefix !== undefined && name.startsWith(prefix) ? name.slice(prefix.length) : name;
    const group = server === undefined ? [] : [identifier(server)];
    let path = [...group, identifier(own)];
    for (let count = 2; taken.has(path.join(".")) || isInTheWay(path, depths); count += 1) {
      path = [...group, `${identifier(own)}_${count}`];
      if (isInTheWay(path, depths) && group.length > 0) path = [`${group.join("_")}_${count}`, identifier(own)];
    }
    taken.add(path.join("."));
    depths.set(path[0] ?? "", path.length);
    paths.set(name, path);
  }
  return {
    list: [...paths].map(([name, path]) => [path, name] as const),
    of: (name) => `tools.${(paths.get(name) ?? [identifier(name)]).join(".")}`,
  };
}

function identifier(text: string): string {
  const word = text.replaceAll(NOT_IN_NAMES, "_");
  return /^\d/.test(word) || word === "" || TAKEN.has(word) ? `_${word}` : word;
}

/** A tool without a server that is called like a server, or the other way round. */
function isInTheWay(path: readonly string[], depths: ReadonlyMap<string, number>): boolean {
  const depth = depths.get(path[0] ?? "");
  return depth !== undefined && depth !== path.length;
}
