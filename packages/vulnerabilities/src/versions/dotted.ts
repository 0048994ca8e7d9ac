// Plain numbers in a row: CRAN and Hackage.
import { compareDigits } from "./digits.ts";
import type { VersionOrder } from "./version-order.ts";

/** Number by number; of two that begin alike the longer is the later. */
export const dottedOrder: VersionOrder<readonly string[]> = {
  parse(text) {
    const trimmed = text.trim();
    // CRAN: `-` equals `.`.
    return /^\d+(?:[.-]\d+)*$/.test(trimmed) ? trimmed.split(/[.-]/) : undefined;
  },
  compare(a, b) {
    for (let at = 0; at < Math.min(a.length, b.length); at += 1) {
      const order = compareDigits(a[at] ?? "", b[at] ?? "");
      if (order !== 0) return order;
    }
    return a.length - b.length;
  },
};
