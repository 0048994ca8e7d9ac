// Passwords in addresses: `scheme://user:PASSWORD@host` (RFC 3986 §3.2.1).

const USERINFO_LIMIT = 400;
/** What documents write for a password; and the default ones of databases on a developer's own machine. */
const STAND_IN =
  /^(?:p(?:ass)?w(?:or)?d|pass(?:word|wd|phrase)?|your.*|my.*|secret|token|user(?:name)?|root|admin|postgres|mysql|guest|test|example|changeme|foo|bar|baz|x+|\*+|\.+|«.*|\$.*|[<[{(%].*|.*[>}\])]|[A-Z_]+|p@ss.*)$/i;

/** Calls `found` with start and end of each password. */
export function eachUrlPassword(text: string, found: (start: number, end: number) => void): void {
  for (let at = text.indexOf("://"); at !== -1; at = text.indexOf("://", at + 3)) {
    const start = at + 3;
    const limit = Math.min(text.length, start + USERINFO_LIMIT);
    let colon = -1;
    for (let place = start; place < limit; place++) {
      const code = text.charCodeAt(place);
      // A space, a quote, `/`, `<`, `>`, `\`, `?`, `#` or a backtick ends it.
      if (
        code <= 32 ||
        code === 34 ||
        code === 39 ||
        code === 47 ||
        code === 60 ||
        code === 62 ||
        code === 92 ||
        code === 63 ||
        code === 35 ||
        code === 96
      )
        break;
      if (code === 58 && colon === -1) colon = place;
      if (code === 64) {
        if (colon >= start && isPasswordThere(text, start, colon, place)) found(colon + 1, place);
        break;
      }
    }
  }
}

function isPasswordThere(text: string, start: number, colon: number, end: number): boolean {
  const password = text.slice(colon + 1, end);
  return password.length >= 4 && !STAND_IN.test(password) && password !== text.slice(start, colon);
}
