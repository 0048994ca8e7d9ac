// A server of revision 2026-07-28 alone, on the official SDK: `node modern-server.ts stdio|http`.
import {
  createMcpHandler,
  createRequestStateCodec,
  inputRequired,
  MissingRequiredClientCapabilityError,
  ProtocolError,
  Server,
  type ServerContext,
} from "@modelcontextprotocol/server";
import { serveStdio } from "@modelcontextprotocol/server/stdio";
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
  type Question,
  type Turn,
} from "./surface.ts";

type Answers = Record<string, Members>;

/** Thrown by a turn that has not all answers yet. */
class Asking extends Error {
  readonly questions: Readonly<Record<string, Question>>;
  readonly answers: Answers;

  constructor(questions: Readonly<Record<string, Question>>, answers: Answers) {
    super("asking");
    this.questions = questions;
    this.answers = answers;
  }
}

const codec = createRequestStateCodec<Answers>({ key: "conformance".repeat(4) });
const changing = { tool: false, prompt: false };

interface Announcer {
  toolsChanged(): void;
  promptsChanged(): void;
}

function isMembers(value: unknown): value is Members {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function turnOf(args: Members, ctx: ServerContext, announcer: Announcer): Turn {
  const { mcpReq } = ctx;
  const envelope: Members = { ...mcpReq.envelope };
  const capabilities = envelope["io.modelcontextprotocol/clientCapabilities"];
  const known = isMembers(capabilities) ? capabilities : {};
  const progressToken = mcpReq._meta?.progressToken;
  return {
    args,
    capabilities: known,
    wantsProgress: progressToken !== undefined,
    async ask(questions) {
      const answers: Answers = { ...mcpReq.requestState<Answers>() };
      for (const [key, value] of Object.entries(mcpReq.inputResponses ?? {}))
        if (isMembers(value)) answers[key] = value;
      const missing = Object.entries(questions).filter(([key]) => answers[key] === undefined);
      if (missing.length > 0) throw new Asking(Object.fromEntries(missing), answers);
      return answers;
    },
    async progress(progress, total) {
      if (progressToken === undefined) return;
      await mcpReq.notify({ method: "notifications/progress", params: { progressToken, progress, total } });
    },
    log: (data) => mcpReq.log("info", data),
    need(capability) {
      if (known[capability] === undefined)
        throw new MissingRequiredClientCapabilityError({ requiredCapabilities: { [capability]: {} } });
    },
    toolsChanged() {
      changing.tool = !changing.tool;
      announcer.toolsChanged();
    },
    promptsChanged() {
      changing.prompt = !changing.prompt;
      announcer.promptsChanged();
    },
  };
}

/** The questions of a turn as the revision asks them. */
async function asked(answer: () => Promise<Members>): Promise<Members> {
  try {
    return await answer();
  } catch (error) {
    if (!(error instanceof Asking)) throw error;
    const requestState = await codec.mint(error.answers);
    return inputRequired({ inputRequests: error.questions as never, requestState });
  }
}

function server(announcer?: Announcer): Server {
  const made = new Server(
    { name: "conformance-modern", version: "1" },
    {
      capabilities: {
        tools: { listChanged: true },
        prompts: { listChanged: true },
        resources: { listChanged: true, subscribe: true },
        completions: {},
        logging: {},
      },
      requestState: { verify: codec.verify },
    },
  );
  const announce: Announcer = announcer ?? {
    toolsChanged: () => void made.sendToolListChanged(),
    promptsChanged: () => void made.sendPromptListChanged(),
  };
  const hints = { ttlMs: 1000, cacheScope: "public" as const };
  const handlers: Record<string, (params: Members, ctx: ServerContext) => Promise<Members>> = {
    "tools/list": async () => ({
      tools: [...TOOLS, ...(changing.tool ? [COMING] : [])].map(({ call: _call, ...tool }) => tool),
      ...hints,
    }),
    "tools/call": async ({ name, arguments: args }, ctx) => {
      const tool = [...TOOLS, COMING].find((one) => one.name === name);
      if (tool === undefined) throw new ProtocolError(-32_602, `Unknown tool: ${String(name)}`);
      return await asked(() => tool.call(turnOf(isMembers(args) ? args : {}, ctx, announce)));
    },
    "prompts/list": async () => ({ prompts: [...PROMPTS, ...(changing.prompt ? [COMING_PROMPT] : [])], ...hints }),
    "prompts/get": async ({ name, arguments: args }, ctx) =>
      await asked(async () => {
        const prompt = await promptOf(String(name), turnOf(isMembers(args) ? args : {}, ctx, announce));
        if (prompt === undefined) throw new ProtocolError(-32_602, `Unknown prompt: ${String(name)}`);
        return prompt;
      }),
    "resources/list": async () => ({ resources: RESOURCES, ...hints }),
    "resources/templates/list": async () => ({ resourceTemplates: TEMPLATES, ...hints }),
    "resources/read": async ({ uri }) => {
      const found = resourceOf(String(uri));
      if (found === undefined) throw new ProtocolError(-32_602, "Resource not found", { uri });
      return { ...found, ...hints };
    },
    "completion/complete": async () => COMPLETION,
  };
  for (const [method, handle] of Object.entries(handlers))
    made.setRequestHandler(
      method as "tools/list",
      (async (request: { params?: Members }, ctx: ServerContext) => await handle(request.params ?? {}, ctx)) as never,
    );
  return made;
}

if (process.argv[2] === "http") {
  const handler = createMcpHandler(() => server(handler.notify), { legacy: "reject" });
  await serveWeb((request, parsedBody) => handler.fetch(request, parsedBody === undefined ? {} : { parsedBody }));
} else {
  serveStdio(() => server(), { legacy: "reject" });
}
