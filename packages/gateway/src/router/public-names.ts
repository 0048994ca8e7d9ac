// The names under which clients see tools and prompts of several servers at once.
import { digestOf } from "@pratique/core";

export interface NameSource {
  /** The server's own name of it. */
  readonly name: string;
  /** The name that a profile gives it. */
  readonly given?: string | undefined;
}

/** What leads from names to things. */
export interface Named<T> {
  readonly publicName: string;
  readonly server: string;
  readonly item: T;
}

/** What every client accepts as a tool's name. */
const SAFE = /^[a-zA-Z0-9_-]{1,64}$/;
const LIMIT = 64;

/**
 * A given name first. Else keeps a name that only one server has and that is safe; `server__name` otherwise, cut with a
 * digest when too long. A name that begins like another server's prefixed ones is never kept, nor is a reserved one, so
 * that no server gets what is meant for another.
 * The order is that of the servers, then of each server's list. Pure: the same lists give the same names.
 */
export function publicNames<T extends NameSource>(
  lists: readonly { readonly server: string; readonly items: readonly T[] }[],
  reserved: ReadonlySet<string> = new Set(),
): Named<T>[] {
  const holders = new Map<string, number>();
  const taken = new Set<string>(reserved);
  for (const { items } of lists) {
    for (const name of new Set(items.map((item) => item.name))) holders.set(name, (holders.get(name) ?? 0) + 1);
  }
  const prefixes = new Set(lists.map(({ server }) => server));
  const given = givenNames(lists, taken);
  const named: Named<T>[] = [];
  for (const { server, items } of lists) {
    const seen = new Set<string>();
    for (const item of items) {
      // A server that lists a name twice is heard once.
      if (seen.has(item.name)) continue;
      seen.add(item.name);
      const own = given.get(item);
      if (own !== undefined) {
        named.push({ publicName: own, server, item });
        continue;
      }
      const isPlain = holders.get(item.name) === 1 && SAFE.test(item.name) && !prefixes.has(prefixOf(item.name));
      const wanted = isPlain && !taken.has(item.name) ? item.name : prefixedName(server, item.name);
      const publicName = taken.has(wanted) ? cut(wanted, `${server} ${item.name}`) : wanted;
      if (taken.has(publicName)) continue;
      taken.add(publicName);
      named.push({ publicName, server, item });
    }
  }
  return named;
}

/** Names that profiles give, each to the first that is to have it. */
function givenNames<T extends NameSource>(
  lists: readonly { readonly items: readonly T[] }[],
  taken: Set<string>,
): Map<T, string> {
  const given = new Map<T, string>();
  for (const { items } of lists) {
    for (const item of items) {
      if (item.given === undefined || !SAFE.test(item.given) || taken.has(item.given)) continue;
      taken.add(item.given);
      given.set(item, item.given);
    }
  }
  return given;
}

/** What stands before the first `__`; no server's name has an underscore. */
function prefixOf(name: string): string {
  const end = name.indexOf("__");
  return end === -1 ? "" : name.slice(0, end);
}

/** A name that says its server, and is understood whether it is listed like that or not. */
export function prefixedName(server: string, name: string): string {
  const whole = `${server}__${name}`;
  const safe = whole.replaceAll(/[^a-zA-Z0-9_-]/g, "_");
  return safe === whole && safe.length <= LIMIT ? safe : cut(safe, whole);
}

/** A shorter name that still differs from others with the same beginning. */
function cut(text: string, identity: string): string {
  return `${text.slice(0, LIMIT - 9)}_${digestOf(identity).slice(7, 15)}`;
}
