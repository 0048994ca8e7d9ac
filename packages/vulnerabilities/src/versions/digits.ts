// Numbers in versions: they exceed 2^53, so they are compared as digits.

/** Order of two runs of decimal digits by value; leading zeros do not count, and empty is 0. */
export function compareDigits(a: string, b: string): number {
  const left = withoutZeros(a);
  const right = withoutZeros(b);
  if (left.length !== right.length) return left.length - right.length;
  return compareText(left, right);
}

export function withoutZeros(digits: string): string {
  let at = 0;
  while (at < digits.length && digits.charCodeAt(at) === 48) at += 1;
  return at === 0 ? digits : digits.slice(at);
}

/** Order by code units, which is that of bytes for the ASCII that versions are made of. */
export function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Order of two lists: item by item, then by `rest` of the one that goes on. */
export function compareLists<T>(
  a: readonly T[],
  b: readonly T[],
  compare: (left: T, right: T) => number,
  missing: T,
): number {
  const length = Math.max(a.length, b.length);
  for (let at = 0; at < length; at += 1) {
    const order = compare(a[at] ?? missing, b[at] ?? missing);
    if (order !== 0) return order;
  }
  return 0;
}
