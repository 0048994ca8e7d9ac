// What a server says with a 401 or a 403: the parameters of a Bearer challenge (RFC 9110 §11.6.1, RFC 6750 §3).

export interface Challenge {
  /** Address of its protected-resource metadata (RFC 9728 §5.1). */
  readonly resourceMetadata?: string;
  /** Scopes that it asks for. */
  readonly scope?: string;
  readonly error?: string;
}

const LIMIT = 8192;
const TOKEN = /[!#$%&'*+.^_`|~0-9A-Za-z-]+/y;
/** RFC 6749 §3.3. */
const SCOPE = /^[\x21\x23-\x5b\x5d-\x7e]+(?: [\x21\x23-\x5b\x5d-\x7e]+)*$/;

/** The first Bearer challenge in the header; an empty one when there is none that can be read. */
export function parseChallenge(header: string | undefined): Challenge {
  if (header === undefined || header.length > LIMIT) return {};
  for (const { scheme, parameters } of challenges(header)) {
    if (scheme !== "bearer" && scheme !== "dpop") continue;
    const resourceMetadata = parameters.get("resource_metadata");
    const scope = parameters.get("scope")?.trim().replace(/ +/g, " ");
    const error = parameters.get("error");
    return {
      ...(resourceMetadata !== undefined && URL.canParse(resourceMetadata) ? { resourceMetadata } : {}),
      ...(scope !== undefined && SCOPE.test(scope) ? { scope } : {}),
      ...(error !== undefined && /^[\x20-\x7e]{1,100}$/.test(error) ? { error } : {}),
    };
  }
  return {};
}

interface Parsed {
  readonly scheme: string;
  readonly parameters: ReadonlyMap<string, string>;
}

/** `scheme a=b, c="d", scheme2 …`: a word that no `=` follows begins the next challenge. */
function challenges(header: string): Parsed[] {
  const found: { scheme: string; parameters: Map<string, string> }[] = [];
  let at = 0;
  const skip = (pattern: RegExp): void => {
    pattern.lastIndex = at;
    at += pattern.exec(header)?.[0].length ?? 0;
  };
  const word = (): string => {
    TOKEN.lastIndex = at;
    const text = TOKEN.exec(header)?.[0] ?? "";
    at += text.length;
    return text;
  };
  while (at < header.length) {
    skip(/[\s,]*/y);
    const name = word();
    if (name === "") break;
    skip(/\s*/y);
    if (header[at] !== "=") {
      found.push({ scheme: name.toLowerCase(), parameters: new Map() });
      continue;
    }
    at += 1;
    skip(/\s*/y);
    const quoted = /"((?:[^"\\]|\\.)*)"/y;
    quoted.lastIndex = at;
    const match = quoted.exec(header);
    const value = match === null ? word() : (match[1] ?? "").replace(/\\(.)/g, "$1");
    if (match !== null) at += match[0].length;
    // Of an unquoted value that is no token, such as an address without quotes, the rest goes with it.
    const rest = /[^\s,]*/y;
    rest.lastIndex = at;
    const more = match === null ? (rest.exec(header)?.[0] ?? "") : "";
    at += more.length;
    const parameters = found.at(-1)?.parameters;
    if (parameters?.has(name.toLowerCase()) === false) parameters.set(name.toLowerCase(), value + more);
  }
  return found;
}

/** Every scope of the texts once, in the order they came. */
export function scopeUnion(...scopes: readonly (string | undefined)[]): string | undefined {
  const all = new Set(scopes.flatMap((scope) => scope?.split(" ").filter((part) => part !== "") ?? []));
  return all.size === 0 ? undefined : [...all].join(" ");
}

/** True when every scope of `wanted` is in `granted`. */
export function coversScope(granted: string | undefined, wanted: string | undefined): boolean {
  const has = new Set(granted?.split(" "));
  return (wanted ?? "").split(" ").every((part) => part === "" || has.has(part));
}
