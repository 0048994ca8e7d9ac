// Bounds and cleans the lists of a server while they are read, page by page, before the SDK gathers and keeps them.
import type { JSONRPCMessage, Transport } from "@modelcontextprotocol/client";
import { cleanEntry } from "../catalog/clean-entry.ts";
import { LIST_BYTES_LIMIT, LIST_LIMIT, LIST_PAGES_LIMIT } from "../limits.ts";

/** Where the entries stand in the answer to each method. */
const ENTRIES: Readonly<Record<string, string>> = {
  "tools/list": "tools",
  "prompts/list": "prompts",
  "resources/list": "resources",
  "resources/templates/list": "resourceTemplates",
};

/** A list that is being read; of each kind there is one at a time. */
interface Walk {
  id: string | number;
  entries: number;
  sizeBytes: number;
  pages: number;
}

/** To be called when the SDK has taken the transport over: it steps between the two. */
export function boundLists(wire: Transport, onLeftOut: (kind: string, count: number) => void): void {
  const walks = new Map<string, Walk>();
  const send = wire.send.bind(wire);
  const deliver = wire.onmessage;
  wire.send = (message, options) => {
    if ("method" in message && "id" in message && Object.hasOwn(ENTRIES, message.method)) {
      const walk = message.params?.["cursor"] === undefined ? undefined : walks.get(message.method);
      walks.set(message.method, { entries: 0, sizeBytes: 0, pages: 0, ...walk, id: message.id });
    }
    return send(message, options);
  };
  const bounded = (message: JSONRPCMessage): void => {
    if (!("result" in message)) return;
    const [method, walk] = [...walks].find(([, { id }]) => id === message.id) ?? [];
    if (method === undefined || walk === undefined) return;
    const kind = ENTRIES[method] ?? "";
    const entries: unknown = message.result[kind];
    if (!Array.isArray(entries)) return;
    const kept = keep(entries, walk);
    if (kept.length < entries.length) onLeftOut(kind, entries.length - kept.length);
    message.result[kind] = kept;
    walk.pages += 1;
    // Without a cursor the SDK takes the list for complete.
    if (isFull(walk)) delete message.result["nextCursor"];
  };
  wire.onmessage = (message, extra) => {
    bounded(message);
    deliver?.(message, extra);
  };
}

function keep(entries: readonly unknown[], walk: Walk): unknown[] {
  const kept: unknown[] = [];
  for (const entry of entries) {
    if (isFull(walk)) break;
    const clean = typeof entry === "object" && entry !== null ? cleanEntry(entry) : undefined;
    if (clean === undefined) continue;
    kept.push(clean);
    walk.entries += 1;
    walk.sizeBytes += JSON.stringify(clean).length;
  }
  return kept;
}

function isFull({ entries, sizeBytes, pages }: Walk): boolean {
  return entries >= LIST_LIMIT || sizeBytes >= LIST_BYTES_LIMIT || pages >= LIST_PAGES_LIMIT;
}
