// What a version order is.

/** A total order over the versions of one ecosystem. `V` is a parsed version. */
export interface VersionOrder<V> {
  /** Undefined for what is no version there. */
  parse(text: string): V | undefined;
  /** Negative, zero or positive. */
  compare(a: V, b: V): number;
}

/** An order whose parsed form is its own business: compares texts. */
export interface TextOrder {
  isVersion(text: string): boolean;
  /** Undefined when one of them is no version. */
  compare(a: string, b: string): number | undefined;
  /** The version read once, to be compared with many. Undefined when it is none. */
  against(text: string): ((other: string) => number | undefined) | undefined;
}

/** `against(a)(b)` is the order of `a` to `b`. */
export function textOrder<V>(order: VersionOrder<V>): TextOrder {
  const against = (text: string): ((other: string) => number | undefined) | undefined => {
    const parsed = read(order, text);
    if (parsed === undefined) return undefined;
    return (other) => {
      const second = read(order, other);
      return second === undefined ? undefined : order.compare(parsed, second);
    };
  };
  return {
    isVersion: (text) => read(order, text) !== undefined,
    compare: (a, b) => against(a)?.(b),
    against,
  };
}

/** No real version is near this; a longer one is an attack. */
const LONGEST = 1024;

function read<V>(order: VersionOrder<V>, text: string): V | undefined {
  return text.length > LONGEST ? undefined : order.parse(text);
}
