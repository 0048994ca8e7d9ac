// Takes `<tool_call>{json}</tool_call>` out of a model's text while it is being written.
import { isJsonObject } from "@pratique/core";

/** A piece of what the model said. `arguments` is JSON text as the model wrote it, valid or not. */
export type SaidPart =
  | { readonly type: "text"; readonly text: string }
  | { readonly type: "call"; readonly name: string; readonly arguments: string }
  | { readonly type: "unreadable" };

const OPEN = "<tool_call>";
const CLOSE = "</tool_call>";
const MAX_CALL_CHARACTERS = 256 * 1024;

/** Length of the longest end of `text` that begins one of the tags. */
function tagBegun(text: string): number {
  for (let length = Math.min(text.length, CLOSE.length - 1); length > 0; length -= 1) {
    const end = text.slice(-length);
    if (OPEN.startsWith(end) || CLOSE.startsWith(end)) return length;
  }
  return 0;
}

function readCall(body: string): SaidPart | undefined {
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch {
    return undefined;
  }
  if (!isJsonObject(value) || typeof value["name"] !== "string") return undefined;
  const given = value["arguments"] ?? value["parameters"] ?? {};
  return { type: "call", name: value["name"], arguments: typeof given === "string" ? given : JSON.stringify(given) };
}

/** A call whose JSON does not parse: its name, and the arguments as they stand, for the caller to refuse. */
function readBrokenCall(body: string): SaidPart {
  const name = /"name"\s*:\s*"([^"\\]{1,128})"/.exec(body)?.[1];
  if (name === undefined) return { type: "unreadable" };
  const start = /"(?:arguments|parameters)"\s*:\s*/.exec(body);
  const given = start === null ? "" : body.slice(start.index + start[0].length).trim();
  return { type: "call", name, arguments: given };
}

/** Splits text that arrives in pieces into text and calls. Call markup never becomes text. */
export class ToolCallText {
  #rest = "";
  #inside = false;
  #space = "";
  #hasCalls = false;
  #isAfterCall = false;

  push(piece: string): SaidPart[] {
    this.#rest += piece;
    const parts: SaidPart[] = [];
    while (this.#inside ? this.#closeCall(parts) : this.#openCall(parts));
    return parts;
  }

  /** What is left when the model has ended. `cut` says that it was stopped by a limit, so that a call may be half. */
  end(cut: boolean): SaidPart[] {
    const parts: SaidPart[] = [];
    const rest = this.#rest;
    this.#rest = "";
    if (this.#inside) {
      const call = readCall(rest.trim());
      if (call !== undefined) parts.push(call);
      else if (!cut) parts.push(readBrokenCall(rest));
      return parts;
    }
    this.#say(rest, parts);
    if (!this.#hasCalls && this.#space !== "") parts.push({ type: "text", text: this.#space });
    return parts;
  }

  /** Space is held back until something follows it: around a call it is markup, between words it is text. */
  #say(text: string, parts: SaidPart[]): void {
    const whole = this.#space + text;
    const body = whole.trimEnd();
    this.#space = whole.slice(body.length);
    if (body === "") return;
    parts.push({ type: "text", text: this.#isAfterCall ? body.trimStart() : body });
    this.#isAfterCall = false;
  }

  #openCall(parts: SaidPart[]): boolean {
    const open = this.#rest.indexOf(OPEN);
    const stray = this.#rest.indexOf(CLOSE);
    const at = open < 0 ? stray : stray < 0 ? open : Math.min(open, stray);
    if (at < 0) {
      const keep = tagBegun(this.#rest);
      this.#say(this.#rest.slice(0, this.#rest.length - keep), parts);
      this.#rest = this.#rest.slice(this.#rest.length - keep);
      return false;
    }
    this.#say(this.#rest.slice(0, at), parts);
    this.#inside = at === open;
    if (this.#inside) this.#space = "";
    this.#rest = this.#rest.slice(at + (this.#inside ? OPEN : CLOSE).length);
    return true;
  }

  #closeCall(parts: SaidPart[]): boolean {
    // An argument may contain the closing tag as text: the call ends where its JSON does.
    for (let at = this.#rest.indexOf(CLOSE); at >= 0; at = this.#rest.indexOf(CLOSE, at + 1)) {
      const call = readCall(this.#rest.slice(0, at).trim());
      if (call !== undefined) return this.#took(call, at, parts);
    }
    const first = this.#rest.indexOf(CLOSE);
    const next = this.#rest.indexOf(OPEN);
    if (first >= 0 && (next > first || this.#rest.length > MAX_CALL_CHARACTERS)) {
      return this.#took(readBrokenCall(this.#rest.slice(0, first)), first, parts);
    }
    return false;
  }

  #took(call: SaidPart, closeAt: number, parts: SaidPart[]): boolean {
    parts.push(call);
    this.#hasCalls = true;
    this.#isAfterCall = true;
    this.#inside = false;
    this.#rest = this.#rest.slice(closeAt + CLOSE.length);
    return true;
  }
}
