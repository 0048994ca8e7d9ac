// How packaging asks for a system command: the daemon hands it in, since no other package here may start processes.

export interface CommandResult {
  readonly code: number;
  readonly stdout: Uint8Array;
  readonly stderr: string;
}

/**
 * Runs a command without a shell and with nothing on its standard input.
 * Rejects when it cannot be started, writes more than `maxOutputBytes`, or takes longer than `timeoutMs`.
 */
export type RunCommand = (
  command: string,
  args: readonly string[],
  options: { readonly cwd?: string; readonly maxOutputBytes: number; readonly timeoutMs: number },
) => Promise<CommandResult>;
