// Files that a distribution's package owns: what lies in them is that package, not another one (supply-chain: section 4.3).
import { NOTHING, type Findings } from "../facts.ts";

const READ_BY_OTHERS =
  /(?:^|\/)(?:package\.json|METADATA|PKG-INFO|[^/]+\.(?:egg-info|gemspec|jar|war|ear|par|deps\.json))$|\/(?:bin|sbin|lib|lib64|libexec)\//;

/**
 * Where distributions put their files (FHS 3.0). What lies elsewhere, `/usr/local` and `/opt` included, is somebody
 * else's, whoever says that he owns it: no list of files takes an application out of the catalogue.
 */
const OF_DISTRIBUTIONS = /^\/*(?:usr\/(?!local\/)|(?:bin|sbin|lib|lib32|lib64|libx32|libexec)\/|etc\/|var\/lib\/)/;

/** Keeps those paths alone that another detector could read as a package of its own. */
export function ownedFact(paths: Iterable<string>): Findings {
  const kept: string[] = [];
  for (const path of paths) {
    if (READ_BY_OTHERS.test(path) && OF_DISTRIBUTIONS.test(path) && !path.includes("/../"))
      kept.push(path.replace(/^\/+|\r$/g, ""));
  }
  return kept.length === 0 ? NOTHING : { facts: [{ fact: "owned", paths: kept }] };
}
