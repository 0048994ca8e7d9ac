// Files that a distribution's package owns: what lies in them is that package, not another one (supply-chain: section 4.3).
import { NOTHING, type Findings } from "../facts.ts";

const READ_BY_OTHERS =
  /(?:^|\/)(?:package\.json|METADATA|PKG-INFO|[^/]+\.(?:egg-info|gemspec|jar|war|ear|par|deps\.json))$|\/(?:bin|sbin|lib|lib64|libexec)\//;

/** Keeps those paths alone that another detector could read as a package of its own. */
export function ownedFact(paths: Iterable<string>): Findings {
  const kept: string[] = [];
  for (const path of paths) {
    if (READ_BY_OTHERS.test(path)) kept.push(path.replace(/^\/+|\r$/g, ""));
  }
  return kept.length === 0 ? NOTHING : { facts: [{ fact: "owned", paths: kept }] };
}
