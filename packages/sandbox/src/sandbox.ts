// A sandbox: something that runs apart, with three streams and an end.
import type { Readable, Writable } from "node:stream";

export interface SandboxSpec {
  readonly name: string;
  /** Engine image id, as `ensureImage` gave it. */
  readonly image: string;
  /** Replaces the image's entry point and arguments. */
  readonly command?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly labels?: Readonly<Record<string, string>>;
  readonly memoryBytes?: number;
  readonly pids?: number;
  readonly cpus?: number;
  readonly network: "none";
  readonly workspace?: never;
}

export interface SandboxExit {
  /** Exit code; 128 + signal when killed by one; -1 when the engine could not say. */
  readonly code: number;
  readonly oomKilled: boolean;
}

export interface Sandbox {
  readonly id: string;
  readonly name: string;
  readonly stdin: Writable;
  readonly stdout: Readable;
  /** Kept only in part when nobody reads it. */
  readonly stderr: Readable;
  /** Never rejects. */
  readonly exited: Promise<SandboxExit>;
  /** Closes stdin, then asks with SIGTERM, then kills; resolves when it is gone. */
  stop(options?: { readonly graceMs?: number }): Promise<void>;
}

export const DEFAULT_GRACE_MS = 2000;
