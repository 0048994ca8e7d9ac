// The MCP server that one caller talks to: one a session (older revisions) or one a request (2026-07-28).
import {
  ProtocolError,
  ProtocolErrorCode,
  Server,
  type ProgressCallback,
  type ServerContext,
} from "@modelcontextprotocol/server";
import { isJsonObject, isPratiqueError, type JsonObject } from "@pratique/core";
import type { Guard } from "@pratique/guard";
import { isShallow } from "../catalog/clean-result.ts";
import { callTool, type CallParts } from "./call-tool.ts";
import type { Caller } from "./caller.ts";
import { visiblePrompts, visibleResources, visibleTemplates, visibleTools } from "./lists.ts";
import { getPrompt, readResource } from "./read.ts";

export interface FrontParts extends CallParts {
  readonly guard: Guard;
  readonly info: { readonly name: string; readonly version: string };
}

/** `caller` is asked anew for each request, since groups may change while a session lasts. */
export function mcpServer(caller: () => Caller, parts: FrontParts): Server {
  const server = new Server(parts.info, {
    capabilities: { tools: { listChanged: true }, prompts: { listChanged: true }, resources: { listChanged: true } },
  });
  server.setRequestHandler("tools/list", () => told(async () => ({ tools: await visibleTools(caller(), parts) })));
  server.setRequestHandler("tools/call", ({ params }, { mcpReq }) =>
    told(async () => {
      const args: unknown = params.arguments ?? {};
      if (!isJsonObject(args) || !isShallow(args))
        throw new ProtocolError(ProtocolErrorCode.InvalidParams, "arguments are no object, or nest too deep");
      const progress = progressOf(mcpReq);
      const call = { name: params.name, args, signal: mcpReq.signal, onprogress: progress?.onprogress };
      const result = await callTool(caller(), call, parts);
      await progress?.sent();
      return result;
    }),
  );
  server.setRequestHandler("prompts/list", () =>
    told(async () => ({ prompts: await visiblePrompts(caller(), parts) })),
  );
  server.setRequestHandler("prompts/get", ({ params }, { mcpReq }) =>
    told(() => getPrompt(caller(), { name: params.name, args: params.arguments ?? {} }, mcpReq.signal, parts)),
  );
  server.setRequestHandler("resources/list", () =>
    told(async () => ({ resources: await visibleResources(caller(), parts) })),
  );
  server.setRequestHandler("resources/templates/list", () =>
    told(async () => ({ resourceTemplates: await visibleTemplates(caller(), parts) })),
  );
  server.setRequestHandler("resources/read", ({ params }, { mcpReq }) =>
    told(() => readResource(caller(), params.uri, mcpReq.signal, parts)),
  );
  return server;
}

/** Passes progress on when the client asked for it; `sent` resolves when all of it is on its way. */
function progressOf(
  mcpReq: ServerContext["mcpReq"],
): { onprogress: ProgressCallback; sent(): Promise<unknown> } | undefined {
  const progressToken = mcpReq._meta?.progressToken;
  if (progressToken === undefined) return undefined;
  let sending: Promise<unknown> = Promise.resolve();
  return {
    onprogress: (progress) => {
      const notification = { method: "notifications/progress", params: { ...progress, progressToken } };
      // Progress that cannot be delivered must not fail the call.
      sending = sending.then(() => mcpReq.notify(notification)).catch(() => undefined);
    },
    sent: () => sending,
  };
}

/** Our errors in JSON-RPC's form: code, hint and details go along as data. */
async function told<T>(answer: () => Promise<T>): Promise<T> {
  try {
    return await answer();
  } catch (error) {
    if (!isPratiqueError(error)) throw error;
    const code = error.status < 500 ? ProtocolErrorCode.InvalidParams : ProtocolErrorCode.InternalError;
    const { hint, details } = error;
    const data: JsonObject = {
      code: error.code,
      ...(hint === undefined ? {} : { hint }),
      ...(details === undefined ? {} : { details }),
    };
    throw new ProtocolError(code, error.message, data);
  }
}
