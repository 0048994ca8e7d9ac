// A sandbox: something that runs apart, with three streams and an end. Realised by a driver: containers now.
import type { Duplex, Readable, Writable } from "node:stream";
import type { HostPort } from "./egress/allow-list.ts";

export interface SandboxSpec {
  readonly name: string;
  /** Engine image id, as `ensureImage` gave it. */
  readonly image: string;
  /** Replaces the image's entry point and arguments. */
  readonly command?: readonly string[];
  /** Replaces the image's arguments, and keeps its entry point. */
  readonly args?: readonly string[];
  /** Replaces the image's user; root becomes nobody. */
  readonly user?: string;
  /** No secrets: an engine shows it to whoever asks. */
  readonly env?: Readonly<Record<string, string>>;
  readonly labels?: Readonly<Record<string, string>>;
  readonly memoryBytes?: number;
  readonly pids?: number;
  readonly cpus?: number;
  /** Of /tmp, which is memory. */
  readonly tmpBytes?: number;
  /** More directories in memory that may be written to. */
  readonly writable?: readonly WritableDirectory[];
  /** Host directories, checked by `checkMount`. */
  readonly mounts?: readonly Mount[];
  /** Handed in when it starts; in no argument, no image and no engine's configuration. */
  readonly secrets?: SandboxSecrets;
  /** The only way out. */
  readonly network: "none" | SandboxNetwork;
  /** Port of loopback inside, on which it listens; reached with `connect`. */
  readonly port?: number;
}

export interface WritableDirectory {
  readonly path: string;
  readonly sizeBytes?: number | undefined;
}

export interface Mount {
  /** Without links, absolute. */
  readonly source: string;
  /** Inside, absolute. */
  readonly target: string;
  readonly isWritable: boolean;
}

export interface SandboxSecrets {
  /** Environment variables of the main process. */
  readonly env?: Readonly<Record<string, string>>;
  /** Files in /run/secrets, by name. */
  readonly files?: Readonly<Record<string, string>>;
}

export interface SandboxNetwork {
  /** Hosts that the sandbox finds by name, without knowing of a proxy. */
  readonly hosts: readonly HostPort[];
  /** Takes each connection that it opens; without a target it speaks HTTP to a proxy. */
  handle(connection: Duplex, target?: HostPort): void;
  close(): void;
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
  /** A connection to the port of its specification. @throws when it does not listen, or has ended */
  connect?(): Promise<Duplex>;
  /** Closes stdin, then asks with SIGTERM, then kills; resolves when it is gone. */
  stop(options?: { readonly graceMs?: number }): Promise<void>;
}

export const DEFAULT_GRACE_MS = 2000;
