// Whether a token may begin at a place: not in the midst of a word, though after an escaped character.

export function isWordCode(code: number): boolean {
  return (code >= 48 && code <= 57) || (code >= 65 && code <= 90) || (code >= 97 && code <= 122);
}

function isHex(code: number): boolean {
  return (code >= 48 && code <= 57) || (code >= 65 && code <= 70) || (code >= 97 && code <= 102);
}

/** True at a text's start, after what is no letter and no digit, and after `\n`, `%3D` and `\u003d`. */
export function beginsWord(text: string, at: number): boolean {
  if (at === 0) return true;
  const before = text.charCodeAt(at - 1);
  if (!isWordCode(before)) return true;
  if (at >= 2 && text.charCodeAt(at - 2) === 92) return "nrtbfv0".includes(text[at - 1]!);
  if (!isHex(before)) return false;
  if (at >= 3 && text.charCodeAt(at - 3) === 37) return isHex(text.charCodeAt(at - 2));
  return at >= 6 && text.charCodeAt(at - 6) === 92 && text.charCodeAt(at - 5) === 117;
}
