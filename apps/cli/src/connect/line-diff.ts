// What changed between two small texts, line by line.

const LINES_LIMIT = 2000;

/** Lines with `-` (gone) and `+` (new) before them, and two of context around; secrets must be out of both already. */
export function lineDiff(before: string, after: string): string {
  const a = before.split("\n").slice(0, LINES_LIMIT);
  const b = after.split("\n").slice(0, LINES_LIMIT);
  // Longest common subsequence, from the end.
  const common = Array.from({ length: a.length + 1 }, () => new Uint16Array(b.length + 1));
  for (let i = a.length - 1; i >= 0; i -= 1) {
    for (let j = b.length - 1; j >= 0; j -= 1) {
      common[i]![j] = a[i] === b[j] ? common[i + 1]![j + 1]! + 1 : Math.max(common[i + 1]![j]!, common[i]![j + 1]!);
    }
  }
  const lines: string[] = [];
  for (let i = 0, j = 0; i < a.length || j < b.length;) {
    if (i < a.length && j < b.length && a[i] === b[j]) {
      lines.push(`  ${a[i]}`);
      i += 1;
      j += 1;
    } else if (j >= b.length || (i < a.length && common[i + 1]![j]! >= common[i]![j + 1]!)) {
      lines.push(`- ${a[i]}`);
      i += 1;
    } else {
      lines.push(`+ ${b[j]}`);
      j += 1;
    }
  }
  const isNear = (at: number): boolean =>
    lines.slice(Math.max(0, at - 2), at + 3).some((line) => !line.startsWith("  "));
  return lines.filter((_, at) => isNear(at)).join("\n");
}
