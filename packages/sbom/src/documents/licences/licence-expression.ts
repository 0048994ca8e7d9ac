// SPDX licence expressions (SPDX 2.3 annex D): parsed, put in order, written.
import parseSpdx from "spdx-expression-parse";

/** One licence with what modifies it, or several of which all (`AND`) or one (`OR`) count. */
export type LicenceExpression =
  | { readonly licence: string; readonly orLater: boolean; readonly exception?: string }
  | { readonly operator: "AND" | "OR"; readonly parts: readonly LicenceExpression[] };

const LIMIT_CHARS = 4096;
const LIMIT_DEPTH = 32;

/** Parses a valid expression; undefined when it is none, or longer or deeper than anybody writes one. */
export function parseLicenceExpression(text: string): LicenceExpression | undefined {
  // The parser recurses by parenthesis and by operator: both are bounded before it sees the text.
  if (text.length > LIMIT_CHARS || depthOf(text) > LIMIT_DEPTH) return undefined;
  try {
    return fromInfo(parseSpdx(text));
  } catch {
    // No expression, which is the answer.
    return undefined;
  }
}

/** The text of an expression, each part once and in order, so that equal ones are equal texts. */
export function formatLicenceExpression(expression: LicenceExpression): string {
  if (!("operator" in expression)) {
    const { licence, orLater, exception } = expression;
    return `${licence}${orLater ? "+" : ""}${exception === undefined ? "" : ` WITH ${exception}`}`;
  }
  const parts = expression.parts.map((part) => {
    const text = formatLicenceExpression(part);
    return "operator" in part && part.operator !== expression.operator ? `(${text})` : text;
  });
  return [...new Set(parts)].sort().join(` ${expression.operator} `);
}

/** The ids and references of an expression, sorted, each once. */
export function licencesIn(expression: LicenceExpression): string[] {
  if (!("operator" in expression)) return [expression.licence];
  return [...new Set(expression.parts.flatMap(licencesIn))].sort();
}

type Info = ReturnType<typeof parseSpdx>;

function fromInfo(info: Info): LicenceExpression {
  if (!("conjunction" in info)) {
    const { license: licence, plus, exception } = info;
    return { licence, orLater: plus === true, ...(exception === undefined ? {} : { exception }) };
  }
  const operator = info.conjunction === "and" ? "AND" : "OR";
  const parts = [fromInfo(info.left), fromInfo(info.right)].flatMap((part) =>
    "operator" in part && part.operator === operator ? part.parts : [part],
  );
  return { operator, parts };
}

function depthOf(text: string): number {
  let depth = 0;
  let deepest = 0;
  for (const character of text) {
    if (character === "(") deepest = Math.max(deepest, ++depth);
    else if (character === ")") depth -= 1;
  }
  return deepest;
}
