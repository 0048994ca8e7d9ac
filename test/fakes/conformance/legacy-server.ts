// A server of 2025-11-25 and older alone, on the official SDK 1: `node legacy-server.ts stdio|http`.
import { randomUUID } from "node:crypto";
import { Server } from "@modelcontextprotocol/sdk/server/index.js";
import { StdioServerTransport } from "@modelcontextprotocol/sdk/server/stdio.js";
import { WebStandardStreamableHTTPServerTransport } from "@modelcontextprotocol/sdk/server/webStandardStreamableHttp.js";
import {
  CallToolRequestSchema,
  CompleteRequestSchema,
  GetPromptRequestSchema,
  ListPromptsRequestSchema,
  ListResourcesRequestSchema,
  ListResourceTemplatesRequestSchema,
  ListToolsRequestSchema,
  McpError,
  ReadResourceRequestSchema,
  ResultSchema,
  SubscribeRequestSchema,
  UnsubscribeRequestSchema,
} from "@modelcontextprotocol/sdk/types.js";
import { serveWeb } from "./serve-web.ts";
import {
  COMING,
  COMING_PROMPT,
  COMPLETION,
  promptOf,
  PROMPTS,
  resourceOf,
  RESOURCES,
  TEMPLATES,
  TOOLS,
  type Members,
  type Turn,
} from "./surface.ts";

interface Extra {
  readonly requestId: string | number;
  readonly _meta?: { readonly progressToken?: string | number | undefined } | undefined;
}

const changing = { tool: false, prompt: false };

function turnOf(server: Server, args: Members, { requestId, _meta }: Extra): Turn {
  const progressToken = _meta?.progressToken;
  const related = { relatedRequestId: requestId };
  return {
    args,
    capabilities: { ...server.getClientCapabilities() },
    wantsProgress: progressToken !== undefined,
    // What its client cannot be asked it does without, as long as there is something else.
    async ask(questions) {
      const keys = Object.keys(questions);
      const answers = await Promise.allSettled(
        Object.values(questions).map((question) => server.request(question as never, ResultSchema, related)),
      );
      const given = answers.flatMap((answer, index) =>
        answer.status === "fulfilled" ? [[keys[index]!, answer.value as Members] as const] : [],
      );
      const [first] = answers;
      if (given.length === 0 && first?.status === "rejected") throw first.reason;
      return Object.fromEntries(given);
    },
    async progress(progress, total) {
      if (progressToken === undefined) return;
      await server.notification(
        { method: "notifications/progress", params: { progressToken, progress, total } },
        related,
      );
    },
    log: (data) => server.notification({ method: "notifications/message", params: { level: "info", data } }, related),
    need: () => undefined,
    toolsChanged() {
      changing.tool = !changing.tool;
      void server.sendToolListChanged();
    },
    promptsChanged() {
      changing.prompt = !changing.prompt;
      void server.sendPromptListChanged();
    },
  };
}

function made(): Server {
  const server = new Server(
    { name: "conformance-legacy", version: "1" },
    {
      capabilities: {
        tools: { listChanged: true },
        prompts: { listChanged: true },
        resources: { listChanged: true, subscribe: true },
        completions: {},
        logging: {},
      },
    },
  );
  server.setRequestHandler(ListToolsRequestSchema, async () => ({
    tools: [...TOOLS, ...(changing.tool ? [COMING] : [])].map(({ call: _call, ...tool }) => tool) as never,
  }));
  server.setRequestHandler(CallToolRequestSchema, async ({ params }, extra) => {
    const tool = [...TOOLS, COMING].find(({ name }) => name === params.name);
    if (tool === undefined) throw new McpError(-32_602, `Unknown tool: ${params.name}`);
    try {
      return await tool.call(turnOf(server, params.arguments ?? {}, extra));
    } catch (error) {
      return { content: [{ type: "text", text: error instanceof Error ? error.message : "failed" }], isError: true };
    }
  });
  server.setRequestHandler(ListPromptsRequestSchema, async () => ({
    prompts: [...PROMPTS, ...(changing.prompt ? [COMING_PROMPT] : [])] as never,
  }));
  server.setRequestHandler(GetPromptRequestSchema, async ({ params }, extra) => {
    const prompt = await promptOf(params.name, turnOf(server, params.arguments ?? {}, extra));
    if (prompt === undefined) throw new McpError(-32_602, `Unknown prompt: ${params.name}`);
    return prompt;
  });
  server.setRequestHandler(ListResourcesRequestSchema, async () => ({ resources: RESOURCES as never }));
  server.setRequestHandler(ListResourceTemplatesRequestSchema, async () => ({ resourceTemplates: TEMPLATES as never }));
  server.setRequestHandler(ReadResourceRequestSchema, async ({ params }) => {
    const found = resourceOf(params.uri);
    if (found === undefined) throw new McpError(-32_002, "Resource not found", { uri: params.uri });
    return found;
  });
  server.setRequestHandler(SubscribeRequestSchema, async () => ({}));
  server.setRequestHandler(UnsubscribeRequestSchema, async () => ({}));
  server.setRequestHandler(CompleteRequestSchema, async () => COMPLETION);
  return server;
}

if (process.argv[2] === "http") {
  const sessions = new Map<string, WebStandardStreamableHTTPServerTransport>();
  await serveWeb(async (request, parsedBody) => {
    const id = request.headers.get("mcp-session-id");
    let transport = id === null ? undefined : sessions.get(id);
    if (id !== null && transport === undefined) return new Response(null, { status: 404 });
    if (transport === undefined) {
      const opened = new WebStandardStreamableHTTPServerTransport({
        sessionIdGenerator: randomUUID,
        onsessioninitialized: (session) => void sessions.set(session, opened),
        onsessionclosed: (session) => void sessions.delete(session),
      });
      transport = opened;
      await made().connect(opened as never);
    }
    return await transport.handleRequest(request, parsedBody === undefined ? {} : { parsedBody });
  });
} else {
  await made().connect(new StdioServerTransport());
}
