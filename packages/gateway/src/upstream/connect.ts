// Opens a connection to a server: newest protocol revision first, then the handshake of the older ones.
import {
  Client,
  StreamableHTTPClientTransport,
  type ClientOptions,
  type Transport,
} from "@modelcontextprotocol/client";
import { LIST_LIMIT, PROBE_TIMEOUT_MS, START_TIMEOUT_MS } from "../limits.ts";
import type { ServerTransport } from "../server-definition.ts";
import { StdioPeerTransport } from "./stdio-peer-transport.ts";

export type ListKind = "tools" | "prompts" | "resources";

export interface ConnectOptions {
  readonly info: { readonly name: string; readonly version: string };
  /** False for a server that did not survive the probe for the newest revision. */
  readonly isProbed: boolean;
  readonly signal: AbortSignal;
  onListChanged(kind: ListKind): void;
}

/** A schema comes from the server it is to check: what it says is not trusted, and it is not compiled. */
const NO_VALIDATION: NonNullable<ClientOptions["jsonSchemaValidator"]> = {
  getValidator: () => (input) => ({ valid: true, data: input as never, errorMessage: undefined }),
};

export async function connect(transport: ServerTransport, options: ConnectOptions): Promise<Client> {
  const { info, isProbed, signal, onListChanged } = options;
  const changed = (kind: ListKind) => ({ autoRefresh: false, debounceMs: 50, onChanged: () => onListChanged(kind) });
  const client = new Client(info, {
    capabilities: {},
    jsonSchemaValidator: NO_VALIDATION,
    listMaxPages: LIST_LIMIT,
    listChanged: { tools: changed("tools"), prompts: changed("prompts"), resources: changed("resources") },
    ...(isProbed ? { versionNegotiation: { mode: "auto", probe: { timeoutMs: PROBE_TIMEOUT_MS } } } : {}),
  });
  const wire = await open(transport);
  try {
    await client.connect(wire, { signal, timeout: START_TIMEOUT_MS });
    return client;
  } catch (error) {
    await wire.close();
    throw error;
  }
}

async function open(transport: ServerTransport): Promise<Transport> {
  if (transport.type === "stdio") return new StdioPeerTransport(await transport.start());
  return new StreamableHTTPClientTransport(new URL(transport.url), {
    requestInit: { headers: { ...transport.headers } },
  });
}
