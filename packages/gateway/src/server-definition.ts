// A server behind the gateway, as whoever adds it describes it.
import type { Readable, Writable } from "node:stream";
import type { EntryTool } from "@pratique/contracts";

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

/** The credentials of a server that asks for them, for one scope; no other code sees them. */
export interface UpstreamAuth {
  /** Headers for the next request. @throws `gateway.authorization-needed` */
  headers(scope: string, signal: AbortSignal): Promise<Readonly<Record<string, string>>>;
  /**
   * After a 401, or a 403 that asks for more scopes: true when the request may be sent again with new headers.
   * @throws `gateway.authorization-needed`
   */
  renew(
    scope: string,
    answer: {
      readonly status: number;
      readonly wwwAuthenticate: string | undefined;
      /** `authorization` of the request that was refused: it tells whether another has renewed it since. */
      readonly sent?: string | undefined;
    },
    signal: AbortSignal,
  ): Promise<boolean>;
}

export type ServerTransport =
  /** `scope`: for whom it acts; `""` for everybody. */
  | { readonly type: "stdio"; start(scope: string): Promise<StdioPeer> }
  | {
      readonly type: "http";
      readonly url: string;
      readonly headers?: Readonly<Record<string, string>>;
      /** `sse`: the transport of 2024-11-05. Absent: Streamable HTTP, and SSE when it is refused. */
      readonly kind?: "streamable-http" | "sse";
      readonly auth?: UpstreamAuth;
      /**
       * For a server in a sandbox that listens itself: starts it, resolves with its address. With `socketPath` it is
       * reached over that Unix socket, and the address only says path and host.
       */
      start?(scope: string): Promise<{
        readonly url: string;
        readonly socketPath?: string;
        readonly exited: Promise<unknown>;
        stop(): Promise<void>;
      }>;
    };

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
  /** What was approved of it, by a catalog: tools that are otherwise are held. */
  readonly approved?: { readonly origin: string; readonly tools: readonly EntryTool[] };
  /** digest: whoever placed it named that very image, so that another image is another server to the drift guard. */
  readonly pinBy?: "name" | "digest";
  /** The person who placed it accepts that it is not isolated. */
  readonly allowUnisolated?: boolean;
  /** One process (or login) for all principals, or one for each. */
  readonly scope?: "shared" | "user";
  /** per-call: a process for each request, for servers whose state must not outlive it. */
  readonly life?: "long-lived" | "per-call";
  /** A long-lived one that nobody used for so long is stopped; it starts again when it is needed. */
  readonly idleStopMs?: number;
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
