// Many rows in as few statements as they fit in.

/** SQLite takes 32,766 values in a statement; a few hundred rows at once are as fast. */
const AT_ONCE = 400;

export function* slices<T>(rows: readonly T[], size = AT_ONCE): Generator<T[]> {
  for (let at = 0; at < rows.length; at += size) yield rows.slice(at, at + size);
}

export async function gather<T, R>(all: readonly T[], read: (some: T[]) => Promise<R[]>): Promise<R[]> {
  const found: R[] = [];
  for (const some of slices(all)) for (const row of await read(some)) found.push(row);
  return found;
}
