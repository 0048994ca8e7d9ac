// A server behind the gateway, as whoever adds it describes it.
import type { Readable, Writable } from "node:stream";

export interface ToolVerdict {
  readonly readOnly?: boolean | undefined;
  readonly destructive?: boolean | undefined;
}

/** A running process that speaks MCP over its standard streams. */
export interface StdioPeer {
  readonly stdin: Writable;
  readonly stdout: Readable;
  readonly stderr?: Readable;
  /** Resolves when it has ended. */
  readonly exited: Promise<unknown>;
  stop(): Promise<void>;
}

export type ServerTransport =
  | { readonly type: "stdio"; start(): Promise<StdioPeer> }
  | { readonly type: "http"; readonly url: string; readonly headers?: Readonly<Record<string, string>> };

/** Whether an artifact was cleared when it was asked for, and whether that is still so. */
export interface ClearedNow {
  readonly cleared: boolean;
  isCurrent(): boolean;
}

export interface ServerDefinition {
  /** Lower-case letters, digits and hyphens. */
  readonly name: string;
  readonly reference?: string;
  /** Digest of the artifact it runs from. */
  readonly digest?: string;
  readonly isolated: boolean;
  /** Whether its artifact is cleared under the policy in force; asked for each act when it is a function. */
  readonly cleared: boolean | (() => boolean | ClearedNow | Promise<boolean | ClearedNow>);
  /** What the catalog says of its tools. A tool without a verdict counts as writing. */
  readonly verdicts: Readonly<Record<string, ToolVerdict>>;
  /** The person who placed it accepts that it is not isolated. */
  readonly allowUnisolated?: boolean;
  readonly transport: ServerTransport;
}

export type ServerState = "idle" | "starting" | "ready" | "failed";

export interface ServerStatus {
  readonly name: string;
  readonly state: ServerState;
  readonly isolated: boolean;
  readonly reference?: string;
  readonly digest?: string;
  /** Tools as last listed. */
  readonly tools: number;
  readonly error?: string;
}
