// Which package needs which other one of the same artifact.
import { posix } from "node:path";
import { pythonName } from "./detect/python.ts";
import type { PlacedPackage } from "./components.ts";

const MAX_NEEDS = 5000;
/** Types of what is made from, or starts, packages of other types: models, servers, skills. */
const ACROSS: ReadonlySet<string> = new Set(["generic", "huggingface", "agentskills"]);

/** purls by purl. Names that nothing in the artifact answers to are left out. */
export function dependenciesOf(placed: readonly PlacedPackage[]): ReadonlyMap<string, ReadonlySet<string>> {
  const needs = new Map<string, Set<string>>();
  for (const [type, packages] of Map.groupBy(placed, ({ found }) => found.type)) {
    const resolve = type === "npm" ? inNodeModules(packages) : byName(ACROSS.has(type) ? placed : packages);
    for (const one of packages) {
      for (const name of (one.found.needs ?? []).slice(0, MAX_NEEDS)) {
        const purl = resolve(one, name);
        if (purl === undefined || purl === one.purl) continue;
        const known = needs.get(one.purl);
        if (known === undefined) needs.set(one.purl, new Set([purl]));
        else known.add(purl);
      }
    }
  }
  return needs;
}

type Resolve = (from: PlacedPackage, name: string) => string | undefined;

function byName(packages: readonly PlacedPackage[]): Resolve {
  const names = new Map<string, string>();
  for (const { found, purl } of packages) for (const name of found.provides ?? []) names.set(name, purl);
  for (const { found, purl } of packages) names.set(keyOf(found.type, found.namespace, found.name), purl);
  return (from, name) => names.get(from.found.type === "pypi" ? keyOf("pypi", undefined, name) : name);
}

function keyOf(type: string, namespace: string | undefined, name: string): string {
  if (type === "pypi") return pythonName(name);
  return namespace === undefined || ["deb", "apk", "rpm"].includes(type) ? name : `${namespace}/${name}`;
}

/** As Node.js looks for it: in `node_modules` of the package's directory and of each one above. */
function inNodeModules(packages: readonly PlacedPackage[]): Resolve {
  const byDirectory = new Map<string, string>();
  for (const { path, purl } of packages) byDirectory.set(posix.dirname(path), purl);
  return ({ path }, name) => {
    for (let directory = posix.dirname(path); ; directory = posix.dirname(directory)) {
      if (posix.basename(directory) !== "node_modules") {
        const found = byDirectory.get(posix.join(directory, "node_modules", name));
        if (found !== undefined) return found;
      }
      if (directory === "." || directory === "/" || directory === "") return undefined;
    }
  };
}
