// One answer to "under which licences is this": for an artifact with all that is in it.
import { licencesIn, parseLicenceExpression } from "./licence-expression.ts";
import { LicenceNormaliser } from "./normalise-licence.ts";

export interface LicenceSummary {
  /** What the artifact itself declares, as an SPDX expression. */
  readonly declared?: string;
  /** Distinct expressions of all components with how many have each, most frequent first. */
  readonly expressions: readonly { readonly expression: string; readonly components: number }[];
  /** Every SPDX id and `LicenseRef-`, sorted. */
  readonly ids: readonly string[];
  /** Components that declare none. */
  readonly undeclared: number;
}

/** Sums up the licences of an artifact's components. */
export function licenceSummary(
  declared: readonly string[] | undefined,
  components: readonly { readonly type: string; readonly licences?: readonly string[] | undefined }[],
): LicenceSummary {
  const normaliser = new LicenceNormaliser();
  const counts = new Map<string, number>();
  let undeclared = 0;
  for (const { type, licences = [] } of components) {
    const expression = normaliser.all(licences)?.expression;
    if (expression !== undefined) counts.set(expression, (counts.get(expression) ?? 0) + 1);
    // Files have the licence of what they belong to.
    else if (type !== "file" && type !== "operating-system") undeclared += 1;
  }
  const own = normaliser.all(declared ?? [])?.expression;
  const ids = new Set<string>();
  for (const text of own === undefined ? counts.keys() : [own, ...counts.keys()]) {
    const parsed = parseLicenceExpression(text);
    for (const id of parsed === undefined ? [text] : licencesIn(parsed)) ids.add(id);
  }
  return {
    ...(own === undefined ? {} : { declared: own }),
    expressions: [...counts]
      .map(([expression, count]) => ({ expression, components: count }))
      .sort((a, b) => b.components - a.components || (a.expression < b.expression ? -1 : 1)),
    ids: [...ids].sort(),
    undeclared,
  };
}
