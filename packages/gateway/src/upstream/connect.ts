// Opens a connection to a server: newest protocol revision first, then the handshake of the older ones.
import {
  Client,
  StreamableHTTPClientTransport,
  type ClientOptions,
  type Transport,
} from "@modelcontextprotocol/client";
import { LIST_PAGES_LIMIT, PROBE_TIMEOUT_MS, START_TIMEOUT_MS } from "../limits.ts";
import type { ServerTransport } from "../server-definition.ts";
import { boundedFetch } from "./bounded-fetch.ts";
import { boundLists } from "./bound-lists.ts";
import { StdioPeerTransport } from "./stdio-peer-transport.ts";

export type ListKind = "tools" | "prompts" | "resources";

export interface ConnectOptions {
  readonly info: { readonly name: string; readonly version: string };
  /** False for a server that did not survive the probe for the newest revision. */
  readonly isProbed: boolean;
  readonly signal: AbortSignal;
  onListChanged(kind: ListKind): void;
  /** So many entries of a list were too large, too many, or not fit to be shown. */
  onLeftOut(kind: string, count: number): void;
}

export interface Connection {
  readonly client: Client;
  /** Resolves when the process behind it has ended, too. */
  close(): Promise<void>;
}

/** A schema comes from the server it is to check: what it says is not trusted, and it is not compiled. */
const NO_VALIDATION: NonNullable<ClientOptions["jsonSchemaValidator"]> = {
  getValidator: () => (input) => ({ valid: true, data: input as never, errorMessage: undefined }),
};

export async function connect(transport: ServerTransport, options: ConnectOptions): Promise<Connection> {
  const { info, isProbed, signal, onListChanged, onLeftOut } = options;
  const changed = (kind: ListKind) => ({ autoRefresh: false, debounceMs: 50, onChanged: () => onListChanged(kind) });
  const client = new Client(info, {
    capabilities: {},
    jsonSchemaValidator: NO_VALIDATION,
    listMaxPages: LIST_PAGES_LIMIT,
    listChanged: { tools: changed("tools"), prompts: changed("prompts"), resources: changed("resources") },
    ...(isProbed ? { versionNegotiation: { mode: "auto", probe: { timeoutMs: PROBE_TIMEOUT_MS } } } : {}),
  });
  signal.throwIfAborted();
  const wire = await open(transport);
  try {
    signal.throwIfAborted();
    await connectUntil(signal, client, wire);
    boundLists(wire, onLeftOut);
    const close = async (): Promise<void> => {
      await client.close();
      // Of a connection that ended before, the process may still be ending.
      await wire.close();
    };
    return { client, close };
  } catch (error) {
    await wire.close();
    throw error;
  }
}

/** The SDK's probe for the newest revision heeds no signal: the wire is closed under it. */
async function connectUntil(signal: AbortSignal, client: Client, wire: Transport): Promise<void> {
  const giveUp = (): void => void wire.close().catch(() => undefined);
  signal.addEventListener("abort", giveUp, { once: true });
  try {
    await client.connect(wire, { signal, timeout: START_TIMEOUT_MS });
  } finally {
    signal.removeEventListener("abort", giveUp);
  }
}

async function open(transport: ServerTransport): Promise<Transport> {
  if (transport.type === "stdio") return new StdioPeerTransport(await transport.start(""));
  return new StreamableHTTPClientTransport(new URL(transport.url), {
    fetch: boundedFetch,
    requestInit: { headers: { ...transport.headers } },
  });
}
