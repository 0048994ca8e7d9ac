// Tools of the MCP gateway, over Streamable HTTP with the official client.
import { isJsonObject, type Json, type JsonObject } from "@pratique/core";
import { agentErrors } from "./errors.ts";
import type { AgentTool, ToolPort, ToolResult } from "./tool-port.ts";

export interface McpToolPortOptions {
  readonly url: string;
  readonly token: string;
  readonly fetch?: typeof fetch;
  /** For one call. Default 2 minutes. */
  readonly timeoutMs?: number;
}

/** Set by the gateway on the result of `tools/call`; it takes the key out of what servers send. */
export const DECISION_META = "dev.pratique/decision";

const MAX_RESULT_CHARACTERS = 200_000;

/** The text a model gets to read of a tool's content; what is not text is named. */
function textOf(content: readonly Json[], structured: Json | undefined): string {
  const parts = content.map((part) => {
    if (!isJsonObject(part)) return "";
    if (part["type"] === "text" && typeof part["text"] === "string") return part["text"];
    if (part["type"] === "resource" && isJsonObject(part["resource"]) && typeof part["resource"]["text"] === "string") {
      return part["resource"]["text"];
    }
    return `[${String(part["type"])}${typeof part["mimeType"] === "string" ? ` ${part["mimeType"]}` : ""}]`;
  });
  const text = parts.length === 0 && structured !== undefined ? JSON.stringify(structured) : parts.join("\n");
  return text.length > MAX_RESULT_CHARACTERS ? `${text.slice(0, MAX_RESULT_CHARACTERS)}\n[cut]` : text;
}

function decisionOf(meta: Json | undefined): Pick<ToolResult, "decision" | "policy"> {
  const given = isJsonObject(meta) ? meta[DECISION_META] : undefined;
  if (!isJsonObject(given) || (given["decision"] !== "allow" && given["decision"] !== "deny")) return {};
  const { decision, policy } = given;
  return { decision, ...(typeof policy === "string" ? { policy } : {}) };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Connects to a gateway's endpoint. @throws `agent.tools-unreachable` */
export async function mcpToolPort(options: McpToolPortOptions): Promise<ToolPort> {
  // Loaded when first needed: the client with its schemas costs a daemon that runs no agent nothing.
  const { Client, StreamableHTTPClientTransport } = await import("@modelcontextprotocol/client");
  const unreachable = (cause: unknown) =>
    agentErrors("agent.tools-unreachable", { url: options.url, detail: messageOf(cause) }, { cause });
  const client = new Client({ name: "pratique-agent", version: "0.1.0" });
  const transport = new StreamableHTTPClientTransport(new URL(options.url), {
    authProvider: { token: async () => options.token },
    ...(options.fetch === undefined ? {} : { fetch: options.fetch }),
  });
  try {
    await client.connect(transport);
  } catch (cause) {
    await client.close().catch(() => undefined);
    throw unreachable(cause);
  }

  const list = async (): Promise<AgentTool[]> => {
    try {
      const { tools } = await client.listTools();
      return tools.map(({ name, description = "", inputSchema }) => ({
        name,
        description,
        inputSchema: JSON.parse(JSON.stringify(inputSchema)) as JsonObject,
      }));
    } catch (cause) {
      throw unreachable(cause);
    }
  };
  const call = async (name: string, args: JsonObject, signal: AbortSignal): Promise<ToolResult> => {
    try {
      const result = await client.callTool(
        { name, arguments: { ...args } },
        { signal, timeout: options.timeoutMs ?? 120_000 },
      );
      const wire = JSON.parse(JSON.stringify(result)) as JsonObject;
      const content = Array.isArray(wire["content"]) ? wire["content"] : [];
      return {
        text: textOf(content, wire["structuredContent"]),
        isError: wire["isError"] === true,
        ...decisionOf(wire["_meta"]),
      };
    } catch (error) {
      if (signal.aborted) throw agentErrors("agent.cancelled", {}, { cause: error });
      // A protocol error is an answer too: the model is told, and may do something else.
      const data = isJsonObject(error) && "data" in error ? (error["data"] as Json | undefined) : undefined;
      return { text: messageOf(error), isError: true, ...decisionOf(data) };
    }
  };
  return { list, call, close: () => client.close() };
}
