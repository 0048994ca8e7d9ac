// What servers say on their standard error: the last of it, bounded, without secrets.
import type { Readable } from "node:stream";
import { redactText, type Clock } from "@pratique/core";

export interface LogLine {
  readonly time: string;
  /** Which of its processes said it. */
  readonly process: string;
  readonly text: string;
}

const LINES = 1000;
const LINE_LIMIT = 4000;
const TOO_LONG = 64 * 1024;
const SHORTEST_SECRET = 6;

export class ServerLogs {
  readonly #clock: Clock;
  readonly #lines = new Map<string, LogLine[]>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Oldest first. */
  of(server: string): readonly LogLine[] {
    return this.#lines.get(server) ?? [];
  }

  forget(server: string): void {
    this.#lines.delete(server);
  }

  add(server: string, process: string, text: string): void {
    const lines = this.#lines.get(server) ?? [];
    this.#lines.set(server, lines);
    lines.push({ time: this.#clock.now().toISOString(), process, text });
    if (lines.length > LINES) lines.splice(0, lines.length - LINES);
  }

  /** Reads to the end. Values are taken out whatever they look like; what looks like a secret, too. */
  follow(server: string, process: string, stream: Readable, values: ReadonlyMap<string, string>): void {
    const known = [...values].filter(([, value]) => value.length >= SHORTEST_SECRET);
    const say = (line: string): void => {
      const bare = known.reduce((text, [name, value]) => text.replaceAll(value, `«secret:${name}»`), line);
      const text = redactText(plain(bare)).slice(0, LINE_LIMIT);
      if (text !== "") this.add(server, process, text);
    };
    let rest = "";
    let isTooLong = false;
    stream.setEncoding("utf8");
    stream.on("data", (chunk: string) => {
      const lines = (rest + chunk).split(/\r?\n/);
      rest = lines.pop() ?? "";
      for (const line of lines) {
        if (!isTooLong) say(line);
        isTooLong = false;
      }
      // Shown whole or not at all: a part of it may hold a part of a secret.
      if (rest.length > TOO_LONG) {
        if (!isTooLong) say("(a line that is too long)");
        isTooLong = true;
        rest = "";
      }
    });
    stream.once("end", () => {
      if (!isTooLong) say(rest);
    });
    stream.once("error", () => undefined);
  }
}

/** Without what would move a terminal's cursor. */
function plain(text: string): string {
  // oxlint-disable-next-line no-control-regex
  return text.replaceAll(/\u001b\[[0-9;?]*[ -/]*[@-~]/g, "").replaceAll(/[\u0000-\u0008\u000b-\u001f\u007f]/g, "");
}
