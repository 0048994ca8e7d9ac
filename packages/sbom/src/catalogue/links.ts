// Symbolic links of an image, as far as package databases need them.
import { posix } from "node:path";

const MAX_HOPS = 16;

/** A path with the links in it followed; links that lead out stay at the root, as in a container. */
export function followLinks(path: string, links: ReadonlyMap<string, string>): string {
  if (links.size === 0) return path;
  let at = path;
  for (let hops = 0; hops < MAX_HOPS; hops += 1) {
    const next = followOnce(at, links);
    if (next === undefined) return at;
    at = next;
  }
  return at;
}

function followOnce(path: string, links: ReadonlyMap<string, string>): string | undefined {
  for (let end = path.indexOf("/"); ; end = path.indexOf("/", end + 1)) {
    const part = end === -1 ? path : path.slice(0, end);
    const target = links.get(part);
    if (target !== undefined) {
      const base = target.startsWith("/") ? "/" : `/${posix.dirname(part)}`;
      return posix.join(base, target, end === -1 ? "" : path.slice(end)).slice(1);
    }
    if (end === -1) return undefined;
  }
}
