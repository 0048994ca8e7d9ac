// What to tell somebody of a value that its schema does not take: the issue that says most.
import type { z } from "zod";

/** The first issue of an error; of a union the one that whoever wrote the value most likely meant. */
export function tellingIssue(error: z.ZodError): z.core.$ZodIssue {
  return within(error.issues[0]!);
}

/** An issue in words, with the place first. */
export function issueText(issue: z.core.$ZodIssue, root: string): string {
  const path = issue.path.join(".");
  if (issue.code !== "unrecognized_keys") return `${path === "" ? root : path}: ${issue.message}`;
  return `unknown key \`${[...issue.path, issue.keys[0]].join(".")}\``;
}

function within(issue: z.core.$ZodIssue): z.core.$ZodIssue {
  // A union with words of its own says best what it wants.
  if (issue.code !== "invalid_union" || issue.errors.length === 0 || issue.message !== "Invalid input") return issue;
  const { path, errors: branches } = issue;
  const unknown = unknownEverywhere(branches);
  if (unknown !== undefined) return { ...unknown, path: [...path, ...unknown.path] };
  const missing = branches.map(missingKey);
  if (!missing.includes(undefined)) return { ...issue, message: `one of ${missing.join(", ")} must be there` };
  // The branch that complains least and deepest is the one that was meant.
  const [best] = branches.toSorted((a, b) => a.length - b.length || depth(b) - depth(a));
  const inner = within(best![0]!);
  return { ...inner, path: [...path, ...inner.path] };
}

/** A key that no branch knows is a slip of the pen, whichever branch was meant. */
function unknownEverywhere(branches: readonly (readonly z.core.$ZodIssue[])[]) {
  const [first = [], ...others] = branches.map((issues) =>
    issues.flatMap((issue) => (issue.code === "unrecognized_keys" && issue.path.length === 0 ? [issue] : [])),
  );
  for (const issue of first) {
    const key = issue.keys.find((one) => others.every((list) => list.some((it) => it.keys.includes(one))));
    if (key !== undefined) return { ...issue, keys: [key] };
  }
  return undefined;
}

/** The key whose absence is all that a branch complains of. */
function missingKey([issue, ...more]: readonly z.core.$ZodIssue[]): string | undefined {
  if (more.length > 0 || issue?.code !== "invalid_type" || issue.path.length !== 1) return undefined;
  return issue.message.endsWith("received undefined") ? String(issue.path[0]) : undefined;
}

function depth(issues: readonly z.core.$ZodIssue[]): number {
  return Math.max(0, ...issues.map(({ path }) => path.length));
}
