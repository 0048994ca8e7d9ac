// What a command is: one literal that yields parsing, help and the CLI reference page.
import type { Client } from "@pratique/client";
import type { Terminal } from "./terminal.ts";

export interface Flag {
  readonly type: "string" | "boolean";
  readonly summary: string;
  /** Placeholder of a string flag's value in help, e.g. `REF`. */
  readonly value?: string;
  readonly short?: string;
  readonly multiple?: boolean;
}

export type Flags = Readonly<Record<string, string | boolean | readonly string[] | undefined>>;

/** What a command gets to work with. Nothing else of the process is for commands. */
export interface Context {
  readonly terminal: Terminal;
  /** `--json` was given. */
  readonly json: boolean;
  /** The state directory: `--home`, PRATIQUE_HOME, or the XDG data directory. */
  readonly home: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly workingDirectory: string;
  /** The daemon's address that counts for this call. */
  daemonUrl(): Promise<string>;
  /** A client of that daemon. */
  client(): Promise<Client>;
  /** Aborts at Ctrl-C or SIGTERM. */
  readonly interrupted: AbortSignal;
}

export interface Input {
  readonly flags: Flags;
  readonly args: readonly string[];
  readonly context: Context;
}

/** 0 done, 1 failed, 2 usage, 3 denied by policy. */
export type ExitCode = 0 | 1 | 2 | 3;

export type Group = "everyday" | "artifacts" | "account" | "set-up";

export interface Command {
  /** As typed: `pack`, or `audit verify`. */
  readonly name: string;
  readonly group: Group;
  /** What a person wants to do, in one line, lower case. */
  readonly summary: string;
  readonly description?: string;
  /** Positional arguments as help shows them: `<directory> [reference]`. */
  readonly usage?: string;
  readonly minArgs?: number;
  readonly maxArgs?: number;
  readonly flags?: Readonly<Record<string, Flag>>;
  readonly examples: readonly string[];
  run(input: Input): Promise<ExitCode>;
}

/** The value of a string flag. */
export function textFlag(flags: Flags, name: string): string | undefined {
  const value = flags[name];
  return typeof value === "string" ? value : undefined;
}

/** Where commands are found: name to a lazy import, so that a call loads one command. */
export type Tree = Readonly<Record<string, () => Promise<Command>>>;
