// The names under which clients see tools and prompts of several servers at once.
import { digestOf } from "@pratique/core";

/** Where a public name leads. */
export interface Named<T> {
  readonly publicName: string;
  readonly server: string;
  readonly item: T;
}

/** What every client accepts as a tool's name. */
const SAFE = /^[a-zA-Z0-9_-]{1,64}$/;
const LIMIT = 64;

/**
 * Keeps a name that only one server has and that is safe; `server__name` otherwise, cut with a digest when too long.
 * A name that begins like another server's prefixed ones is never kept, so that no server gets what another may need.
 * The order is that of the servers, then of each server's list. Pure, so that the same lists give the same names.
 */
export function publicNames<T extends { readonly name: string }>(
  lists: readonly { readonly server: string; readonly items: readonly T[] }[],
): Named<T>[] {
  const holders = new Map<string, number>();
  for (const { items } of lists)
    for (const name of new Set(items.map((item) => item.name))) holders.set(name, (holders.get(name) ?? 0) + 1);
  const prefixes = new Set(lists.map(({ server }) => server));
  const taken = new Set<string>();
  const named: Named<T>[] = [];
  for (const { server, items } of lists) {
    const seen = new Set<string>();
    for (const item of items) {
      // A server that lists a name twice is heard once.
      if (seen.has(item.name)) continue;
      seen.add(item.name);
      const isPlain = holders.get(item.name) === 1 && SAFE.test(item.name) && !prefixes.has(prefixOf(item.name));
      const wanted = isPlain ? item.name : prefixed(server, item.name);
      const publicName = taken.has(wanted) ? cut(wanted, `${server} ${item.name}`) : wanted;
      if (taken.has(publicName)) continue;
      taken.add(publicName);
      named.push({ publicName, server, item });
    }
  }
  return named;
}

/** What stands before the first `__`; no server's name has an underscore. */
function prefixOf(name: string): string {
  const end = name.indexOf("__");
  return end === -1 ? "" : name.slice(0, end);
}

function prefixed(server: string, name: string): string {
  const whole = `${server}__${name}`;
  const safe = whole.replaceAll(/[^a-zA-Z0-9_-]/g, "_");
  return safe === whole && safe.length <= LIMIT ? safe : cut(safe, whole);
}

/** A shorter name that still differs from others with the same beginning. */
function cut(text: string, identity: string): string {
  return `${text.slice(0, LIMIT - 9)}_${digestOf(identity).slice(7, 15)}`;
}
