// The name that a value is assigned to: `NAME = value`, `"name": "value"`, `<name>value`, `name => value`, `f("name", "value")`.

const BLANK = 1;
const OPERATOR = 2;
const COMMA = 4;
const NAME = 8;

const CLASSES: Uint8Array = classes();

function classes(): Uint8Array {
  const table = new Uint8Array(128);
  for (const character of " \t\"'`\\])") table[character.charCodeAt(0)] = BLANK;
  for (const character of "=:>|?") table[character.charCodeAt(0)] = OPERATOR;
  table[44] = COMMA;
  for (const character of "_.-") table[character.charCodeAt(0)] = NAME;
  for (let code = 48; code < 123; code++) if (/[A-Za-z0-9]/.test(String.fromCharCode(code))) table[code] = NAME;
  return table;
}

function classAt(text: string, at: number): number {
  const code = at < 0 ? 128 : text.charCodeAt(at);
  return code < 128 ? CLASSES[code]! : 0;
}

const NAME_LENGTH = 60;

/** The name, or undefined when nothing is assigned there. Looks at no more than some 80 characters. */
export function assignedName(text: string, start: number): string | undefined {
  let at = start - 1;
  let quotes = 0;
  while (start - at <= 5 && classAt(text, at) === BLANK) {
    if (text.charCodeAt(at) > 32) quotes++;
    at--;
  }
  const operators = at;
  while (operators - at < 3 && classAt(text, at) === OPERATOR) at--;
  if (operators === at) {
    if (quotes === 0 || classAt(text, at) !== COMMA) return undefined;
    at--;
    if (!/["'`]/.test(text[at] ?? "")) return undefined;
  }
  const end = at;
  while (end - at <= 5 && classAt(text, at) === BLANK) at--;
  const last = at;
  while (last - at < NAME_LENGTH && classAt(text, at) === NAME) at--;
  return last - at < 2 ? undefined : text.slice(at + 1, last + 1);
}
