// What a registry asks for with a 401: `WWW-Authenticate` (RFC 9110 §11.6.1).

export interface Challenge {
  /** Lower case: `bearer`, `basic`. */
  readonly scheme: string;
  /** Names in lower case. */
  readonly parameters: ReadonlyMap<string, string>;
}

const LIMIT_CHARACTERS = 8192;
const SCHEME = /[!#$%&'*+.^_`|~0-9A-Za-z-]+/y;
const PARAMETER = /([!#$%&'*+.^_`|~0-9A-Za-z-]+)[ \t]*=[ \t]*(?:"((?:[^"\\]|\\.)*)"|([^\s",]*))/y;
const SEPARATOR = /[\s,]*/y;

/** Reads one header (several joined by commas) into its challenges; what cannot be read ends the list. */
export function parseChallenges(header: string): Challenge[] {
  const text = header.slice(0, LIMIT_CHARACTERS);
  const challenges: { scheme: string; parameters: Map<string, string> }[] = [];
  let at = 0;
  const match = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = at;
    const found = pattern.exec(text);
    if (found !== null) at = pattern.lastIndex;
    return found;
  };
  for (;;) {
    match(SEPARATOR);
    if (at >= text.length) return challenges;
    const current = challenges.at(-1);
    const parameter = current === undefined ? null : match(PARAMETER);
    if (current !== undefined && parameter !== null) {
      const value = parameter[2]?.replace(/\\(.)/g, "$1") ?? parameter[3] ?? "";
      current.parameters.set(parameter[1]!.toLowerCase(), value);
      continue;
    }
    const scheme = match(SCHEME);
    if (scheme === null) return challenges;
    challenges.push({ scheme: scheme[0].toLowerCase(), parameters: new Map() });
  }
}
