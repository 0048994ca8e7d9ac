// Private keys in PEM and its relatives (RFC 7468; OpenPGP armour, RFC 9580 §6.2), whole, cut short, or with escaped line breaks.

const BEGIN = "-----BEGIN ";
const END = "-----END ";
const LABEL = /-----BEGIN [A-Z0-9 _-]{0,60}PRIVATE KEY(?: BLOCK)?-----/y;
const BODY_LIMIT = 32_768;
/** The shortest keys, of elliptic curves, have 64 characters; what has fewer is a word about keys. */
const BODY_MINIMUM = 40;

/** Calls `found` with start and end of each. Takes time in proportion to the text, whatever it is. */
export function eachKeyBlock(text: string, found: (start: number, end: number) => void): void {
  const first = nextBegin(text, 0);
  if (first === -1) return;
  const label = new RegExp(LABEL, "y");
  let end = -1;
  for (let start = first; start !== -1;) {
    const next = nextBegin(text, start + BEGIN.length);
    label.lastIndex = start;
    const match = label.exec(text);
    if (match !== null) {
      const bodyStart = start + match[0].length;
      const limit = Math.min(next === -1 ? text.length : next, bodyStart + BODY_LIMIT);
      if (end !== Infinity && end < bodyStart) {
        const at = text.indexOf(END, bodyStart);
        end = at === -1 ? Infinity : at;
      }
      const bodyEnd = end < limit ? end : truncatedEnd(text, bodyStart, limit);
      if (bodySize(text, bodyStart, bodyEnd) >= BODY_MINIMUM)
        found(start, end < limit ? endOfLine(text, end) : bodyEnd);
    }
    start = next;
  }
}

/** Looks for less than the whole: V8 finds short texts faster. */
function nextBegin(text: string, from: number): number {
  let at = text.indexOf("-----B", from);
  while (at !== -1 && !text.startsWith(BEGIN, at)) at = text.indexOf("-----B", at + 6);
  return at;
}

/** Of a block without an end: where it looks like base64 no longer. */
function truncatedEnd(text: string, start: number, limit: number): number {
  const body = /(?:[A-Za-z0-9+/=\s]|\\[nrt])*/y;
  body.lastIndex = start;
  body.exec(text.length > limit ? text.slice(0, limit) : text);
  return Math.min(Math.max(start, body.lastIndex), limit);
}

function bodySize(text: string, start: number, end: number): number {
  const body = text.slice(start, end).replace(/\\[nrt]|[^A-Za-z0-9+/=]/g, "");
  return /^(.)\1*$/.test(body) ? 0 : body.length;
}

function endOfLine(text: string, end: number): number {
  const close = text.indexOf("-----", end + END.length);
  return close === -1 || close - end > 100 ? end + END.length : close + 5;
}
