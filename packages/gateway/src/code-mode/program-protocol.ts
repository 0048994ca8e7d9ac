// What a program's thread and the gateway say to one another.

export interface ProgramLimits {
  /** Time that the program itself may run, without what it waits for. */
  readonly cpuMs: number;
  /** All in all. */
  readonly wallMs: number;
  readonly memoryBytes: number;
  readonly calls: number;
  readonly callsAtOnce: number;
  readonly resultChars: number;
  readonly outputChars: number;
}

export const PROGRAM_LIMITS: ProgramLimits = {
  cpuMs: 2_000,
  wallMs: 300_000,
  memoryBytes: 64 * 1024 * 1024,
  calls: 100,
  callsAtOnce: 8,
  resultChars: 200_000,
  outputChars: 20_000,
};

/** With which a thread is started. */
export interface ProgramData {
  readonly code: string;
  readonly limits: ProgramLimits;
  /** Where each tool stands in `tools`: `["github", "create_issue"]`, and its public name. */
  readonly tools: readonly (readonly [path: readonly string[], name: string])[];
}

export type FromProgram =
  /** The interpreter is there: from now on it is the program's time. */
  | { readonly type: "begun" }
  | { readonly type: "call"; readonly id: number; readonly name: string; readonly args: string }
  | { readonly type: "ended"; readonly ending: ProgramEnding };

export interface ToProgram {
  readonly type: "answer";
  readonly id: number;
  readonly isError: boolean;
  /** JSON of the value, or what went wrong. */
  readonly text: string;
}

export interface ProgramEnding {
  /** JSON of what it returned; undefined when it returned nothing. */
  readonly result?: string;
  readonly error?: string;
  readonly output: string;
  readonly calls: number;
}
