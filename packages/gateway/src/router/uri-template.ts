// Whether a URI fits a template (RFC 6570) that a server made up: in linear time a piece, since a template may be hostile.

/** `isList`: items with commas between them, none of them empty (RFC 6570 §2.4.2). */
type Piece = string | { readonly excluded: string; readonly isList?: boolean };

const LENGTH_LIMIT = 2048;
const EXPRESSION = /\{([^{}]*)\}/g;

/** An expression takes at least one character; what is no template fits its own text only if it has no brace left. */
export function fitsTemplate(template: string, uri: string): boolean {
  if (template.length > LENGTH_LIMIT || uri.length > LENGTH_LIMIT) return false;
  const pieces = piecesOf(template);
  if (pieces === undefined) return false;
  let reached = new Uint8Array(uri.length + 1);
  reached[0] = 1;
  for (const piece of pieces)
    reached = typeof piece === "string" ? past(piece, uri, reached) : through(piece, uri, reached);
  return reached[uri.length] === 1;
}

/** Where one may stand after a literal. */
function past(literal: string, uri: string, before: Uint8Array): Uint8Array<ArrayBuffer> {
  const after = new Uint8Array(uri.length + 1);
  for (let at = 0; at + literal.length <= uri.length; at++)
    if (before[at] === 1 && uri.startsWith(literal, at)) after[at + literal.length] = 1;
  return after;
}

/** Where one may stand after one or more characters that are not excluded. */
function through(
  { excluded, isList = false }: Exclude<Piece, string>,
  uri: string,
  before: Uint8Array,
): Uint8Array<ArrayBuffer> {
  const after = new Uint8Array(uri.length + 1);
  const afterComma = new Uint8Array(uri.length + 1);
  for (let at = 0; at < uri.length; at++) {
    const character = uri.charAt(at);
    if (isList && character === ",") afterComma[at + 1] = after[at]!;
    else if (!excluded.includes(character)) {
      after[at + 1] = before[at] === 1 || after[at] === 1 || afterComma[at] === 1 ? 1 : 0;
    }
  }
  return after;
}

function piecesOf(template: string): Piece[] | undefined {
  if (/[{}]/.test(template.replaceAll(EXPRESSION, ""))) return undefined;
  return template.split(EXPRESSION).flatMap((part, index) => (index % 2 === 0 ? [part] : expression(part)));
}

function expression(text: string): Piece[] {
  const operator = /^[+#./?&]/.exec(text)?.[0] ?? "";
  const names = text.slice(operator.length).split(",");
  if (operator === "+" || operator === "#") return [{ excluded: "\n\r\u2028\u2029" }];
  if (operator === "?" || operator === "&")
    return names.flatMap((name, index) => [`${index === 0 ? operator : "&"}${bare(name)}=`, { excluded: "&" }]);
  return [operator, { excluded: "/,", isList: text.includes("*") && operator !== "." }];
}

function bare(name: string): string {
  return name.replace("*", "").trim();
}
