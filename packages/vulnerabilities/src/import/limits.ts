// How much of what comes from outside is taken. Every number is far above what publishers make.

export interface ImportLimits {
  /** One record, uncompressed. */
  readonly recordBytes: number;
  /** One document that holds everything, such as Debian's, uncompressed. */
  readonly documentBytes: number;
  /** All of a dump, uncompressed. */
  readonly totalBytes: number;
  readonly documents: number;
  /** What is downloaded. */
  readonly downloadBytes: number;
}

const MIB = 1024 * 1024;

export const IMPORT_LIMITS: ImportLimits = {
  recordBytes: 8 * MIB,
  documentBytes: 400 * MIB,
  totalBytes: 32 * 1024 * MIB,
  documents: 3_000_000,
  downloadBytes: 4 * 1024 * MIB,
};

/** A text that people see: one line, no control characters, not long. */
export function plainLine(text: string, length = 300): string {
  const line = text.replaceAll(/[\p{Cc}\p{Cf}\s]+/gu, " ").trim();
  return line.length > length ? `${line.slice(0, length - 1)}…` : line;
}

const DEEPEST = 100;
const WORTH_LOOKING = 64 * 1024;

/** False for JSON that is nested so deeply that reading it costs more than it holds. */
export function isShallow(json: string): boolean {
  if (json.length < WORTH_LOOKING) return true;
  let depth = 0;
  let inString = false;
  for (let at = 0; at < json.length; at += 1) {
    const code = json.charCodeAt(at);
    if (inString) {
      if (code === 92) at += 1;
      else if (code === 34) inString = false;
    } else if (code === 34) inString = true;
    else if (code === 123 || code === 91) {
      depth += 1;
      if (depth > DEEPEST) return false;
    } else if (code === 125 || code === 93) depth -= 1;
  }
  return true;
}
