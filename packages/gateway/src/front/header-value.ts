// Values of `Mcp-Name` and `Mcp-Param-*`: plain ASCII, or base64 of UTF-8 between marks (2026-07-28, Value Encoding).

const MARKED = /^=\?base64\?([A-Za-z0-9+/]*={0,2})\?=$/;
const PREFIX = "=?base64?";
const SUFFIX = "?=";
/** RFC 9110 §5.5: visible ASCII, and spaces or tabs between. */
const PLAIN = /^(?:[\x21-\x7e](?:[\x20-\x7e\t]*[\x21-\x7e])?)?$/;

/** The value as it may stand in a header. */
export function encodeHeaderValue(value: string): string {
  const isMarked = value.startsWith(PREFIX) && value.endsWith(SUFFIX);
  return PLAIN.test(value) && value !== "" && !isMarked
    ? value
    : `${PREFIX}${Buffer.from(value, "utf8").toString("base64")}${SUFFIX}`;
}

/** The value that a header stands for; undefined when it has characters that it may not have, or is no base64 between the marks. */
export function decodeHeaderValue(header: string): string | undefined {
  const text = header.replace(/^[ \t]+|[ \t]+$/g, "");
  if (!(text.startsWith(PREFIX) && text.endsWith(SUFFIX) && text.length >= PREFIX.length + SUFFIX.length))
    return PLAIN.test(text) ? text : undefined;
  const coded = MARKED.exec(text)?.[1];
  if (coded === undefined) return undefined;
  const bytes = Buffer.from(coded, "base64");
  // Node forgives what is no base64, and bytes that are no UTF-8: only what comes out the same was meant.
  const decoded = bytes.toString("utf8");
  if (bytes.toString("base64") !== coded || !bytes.equals(Buffer.from(decoded, "utf8"))) return undefined;
  return decoded;
}
