// Cuts Cedar text into policies with their places, and measures how deep it nests, before the engine reads it.

/** One policy's text: from its first token (an annotation, mostly) up to and with its semicolon. */
export interface PolicyText {
  readonly text: string;
  /** Offset in UTF-16 units of the file. */
  readonly start: number;
  /** Deepest nesting of brackets. */
  readonly nesting: number;
  /** Operators that the engine may recurse on. */
  readonly operators: number;
}

// Comments end at CR as well as LF (cedar-policy-core, grammar.lalrpop); a string may span lines.
const TOKEN = /\/\/[^\n\r]*|"(?:\\[^]|[^"\\])*"?|&&|\|\||[([{<]|[)\]}>]|[;.!+*-]|[A-Za-z_]\w*|\s+|[^]/gu;

const OPENING = new Set(["(", "[", "{"]);
const CLOSING = new Set([")", "]", "}"]);
const OPERATORS = new Set(["&&", "||", ".", "!", "+", "-", "*", "[", "if"]);

/** Cuts a file's text at the semicolons outside strings and comments. What follows the last one is a piece too. */
export function cutPolicies(source: string): PolicyText[] {
  const pieces: PolicyText[] = [];
  let start = -1;
  let end = 0;
  let depth = 0;
  let nesting = 0;
  let operators = 0;
  const finish = (): void => {
    if (start >= 0) pieces.push({ text: source.slice(start, end), start, nesting, operators });
    start = -1;
    depth = nesting = operators = 0;
  };
  for (const match of source.matchAll(TOKEN)) {
    const token = match[0];
    if (token.startsWith("//") || token.trim() === "") continue;
    if (start < 0) start = match.index;
    end = match.index + token.length;
    if (OPENING.has(token)) nesting = Math.max(nesting, ++depth);
    if (CLOSING.has(token)) depth = Math.max(0, depth - 1);
    if (OPERATORS.has(token)) operators += 1;
    if (token === ";") finish();
  }
  finish();
  return pieces;
}

/** Deepest nesting of brackets, angle brackets too: a schema writes `Set<Set<Long>>`. */
export function nestingOf(source: string): number {
  let depth = 0;
  let nesting = 0;
  for (const [token] of source.matchAll(TOKEN)) {
    if (OPENING.has(token) || token === "<") nesting = Math.max(nesting, ++depth);
    if (CLOSING.has(token) || token === ">") depth = Math.max(0, depth - 1);
  }
  return nesting;
}

/** Line and column, both from 1, of an offset in UTF-16 units. */
export function placeOf(source: string, offset: number): { line: number; column: number } {
  const before = source.slice(0, offset);
  const lineStart = before.lastIndexOf("\n") + 1;
  let line = 1;
  for (let at = before.indexOf("\n"); at >= 0; at = before.indexOf("\n", at + 1)) line += 1;
  return { line, column: offset - lineStart + 1 };
}

/** The engine counts UTF-8 bytes; this turns such an offset into UTF-16 units. */
export function fromByteOffset(source: string, byteOffset: number): number {
  return Buffer.from(source, "utf8").subarray(0, byteOffset).toString("utf8").length;
}
