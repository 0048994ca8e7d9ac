// Patterns of names: `*` stands for anything within a segment, `**` for anything at all. The whole text must match.

/** Linear in the text for each star, whatever the pattern: names come from outside. */
export function matchesPattern(text: string, pattern: string): boolean {
  const first = /^[^*]*/.exec(pattern)?.[0] ?? "";
  if (!text.startsWith(first)) return false;
  let reachable = new Set([first.length]);
  for (const { crossesSlash, literal } of partsOf(pattern)) {
    const next = new Set<number>();
    let isOpen = false;
    for (let at = 0; at <= text.length; at++) {
      if (reachable.has(at)) isOpen = true;
      if (isOpen && text.startsWith(literal, at)) next.add(at + literal.length);
      if (text[at] === "/" && !crossesSlash) isOpen = false;
    }
    reachable = next;
  }
  return reachable.has(text.length);
}

/** `a*b**c` has the parts `*b` and `**c`. */
function partsOf(pattern: string): { readonly crossesSlash: boolean; readonly literal: string }[] {
  return [...pattern.matchAll(/(\*+)([^*]*)/g)].map(([, stars = "", literal = ""]) => ({
    crossesSlash: stars.length > 1,
    literal,
  }));
}
