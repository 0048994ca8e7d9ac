// Everything that the official MCP conformance suite wants a server to have, said once for both eras.
import { setTimeout as delay } from "node:timers/promises";

export type Members = Record<string, unknown>;

export interface Question {
  readonly method: "elicitation/create" | "sampling/createMessage" | "roots/list";
  readonly params: Members;
}

/** One request as a handler sees it, whichever era asks. */
export interface Turn {
  readonly args: Members;
  readonly wantsProgress: boolean;
  readonly capabilities: Members;
  /** All answers, by key; how they are come by is the era's matter. */
  ask(questions: Readonly<Record<string, Question>>): Promise<Readonly<Record<string, Members>>>;
  progress(progress: number, total: number): Promise<void>;
  log(data: string): Promise<void>;
  /** A capability that the client must have; the era says how it is told that it has not. */
  need(capability: string): void;
  toolsChanged(): void;
  promptsChanged(): void;
}

export interface SurfaceTool {
  readonly name: string;
  readonly description: string;
  readonly inputSchema: Members & { readonly type: "object" };
  call(turn: Turn): Promise<Members>;
}

export const PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg==";
const WAV = "UklGRiQAAABXQVZFZm10IBAAAAABAAEAQB8AAEAfAAABAAgAZGF0YQAAAAA=";
const PAUSE_MS = 50;

export const text = (value: string): Members => ({ content: [{ type: "text", text: value }] });
const nothing = { type: "object" } as const;
const withString = (name: string) =>
  ({ type: "object", properties: { [name]: { type: "string" } }, required: [name] }) as const;

const form = (message: string, properties: Members, required: readonly string[] = []): Question => ({
  method: "elicitation/create",
  params: { message, requestedSchema: { type: "object", properties, required } },
});
const sample = (prompt: string, maxTokens = 100): Question => ({
  method: "sampling/createMessage",
  params: { messages: [{ role: "user", content: { type: "text", text: prompt } }], maxTokens },
});
const roots: Question = { method: "roots/list", params: {} };
const nameForm = form("What is your name?", { name: { type: "string" } }, ["name"]);

function tool(name: string, call: SurfaceTool["call"], inputSchema: SurfaceTool["inputSchema"] = nothing): SurfaceTool {
  return { name, description: `Tests ${name}`, inputSchema, call };
}

function contentOf(answer: Members | undefined): Members {
  const content = answer?.["content"];
  return typeof content === "object" && content !== null ? { ...content } : {};
}

function outcome(answer: Members | undefined): string {
  return `action=${String(answer?.["action"])}, content=${JSON.stringify(answer?.["content"] ?? {})}`;
}

const ENUMS = {
  untitledSingle: { type: "string", enum: ["option1", "option2", "option3"] },
  titledSingle: {
    type: "string",
    oneOf: [
      { const: "value1", title: "First Option" },
      { const: "value2", title: "Second Option" },
      { const: "value3", title: "Third Option" },
    ],
  },
  legacyEnum: {
    type: "string",
    enum: ["opt1", "opt2", "opt3"],
    enumNames: ["Option One", "Option Two", "Option Three"],
  },
  untitledMulti: { type: "array", items: { type: "string", enum: ["option1", "option2", "option3"] } },
  titledMulti: {
    type: "array",
    items: {
      anyOf: [
        { const: "value1", title: "First Choice" },
        { const: "value2", title: "Second Choice" },
        { const: "value3", title: "Third Choice" },
      ],
    },
  },
};

const DEFAULTS = {
  name: { type: "string", default: "John Doe" },
  age: { type: "integer", default: 30 },
  score: { type: "number", default: 95.5 },
  status: { type: "string", enum: ["active", "inactive", "pending"], default: "active" },
  verified: { type: "boolean", default: true },
};

const DIALECT = {
  $schema: "https://json-schema.org/draft/2020-12/schema",
  type: "object",
  $defs: {
    address: {
      $anchor: "addressDef",
      type: "object",
      properties: { street: { type: "string" }, city: { type: "string" } },
    },
  },
  properties: {
    name: { type: "string" },
    address: { $ref: "#/$defs/address" },
    contactMethod: { type: "string", enum: ["phone", "email"] },
    phone: { type: "string" },
    email: { type: "string" },
  },
  allOf: [{ anyOf: [{ required: ["phone"] }, { required: ["email"] }] }],
  if: { properties: { contactMethod: { const: "phone" } }, required: ["contactMethod"] },
  // oxlint-disable-next-line unicorn/no-thenable -- a keyword of JSON Schema
  then: { required: ["phone"] },
  else: { required: ["email"] },
  additionalProperties: false,
} as const;

export const TOOLS: readonly SurfaceTool[] = [
  tool("test_simple_text", async () => text("This is a simple text response for testing.")),
  tool("test_image_content", async () => ({ content: [{ type: "image", data: PNG, mimeType: "image/png" }] })),
  tool("test_audio_content", async () => ({ content: [{ type: "audio", data: WAV, mimeType: "audio/wav" }] })),
  tool("test_embedded_resource", async () => ({
    content: [
      {
        type: "resource",
        resource: {
          uri: "test://embedded-resource",
          mimeType: "text/plain",
          text: "This is an embedded resource content.",
        },
      },
    ],
  })),
  tool("test_multiple_content_types", async () => ({
    content: [
      { type: "text", text: "Multiple content types test:" },
      { type: "image", data: PNG, mimeType: "image/png" },
      {
        type: "resource",
        resource: {
          uri: "test://mixed-content-resource",
          mimeType: "application/json",
          text: JSON.stringify({ test: "data", value: 123 }),
        },
      },
    ],
  })),
  tool("test_tool_with_logging", async (turn) => {
    await turn.log("Tool execution started");
    await delay(PAUSE_MS);
    await turn.log("Tool processing data");
    await delay(PAUSE_MS);
    await turn.log("Tool execution completed");
    return text("Logged");
  }),
  tool("test_logging_tool", async (turn) => {
    await turn.log("A message that nobody asked for");
    return text("Logged");
  }),
  tool("test_tool_with_progress", async (turn) => {
    for (const progress of [0, 50, 100]) {
      if (turn.wantsProgress) await turn.progress(progress, 100);
      await delay(PAUSE_MS);
    }
    return text("Done");
  }),
  tool("test_error_handling", async () => ({
    ...text("This tool intentionally returns an error for testing"),
    isError: true,
  })),
  tool(
    "test_sampling",
    async (turn) => {
      const { sampled } = await turn.ask({ sampled: sample(String(turn.args["prompt"])) });
      return text(`LLM response: ${String(contentOf(sampled)["text"])}`);
    },
    withString("prompt"),
  ),
  tool(
    "test_elicitation",
    async (turn) => {
      const properties = { username: { type: "string" }, email: { type: "string" } };
      const question = form(String(turn.args["message"]), properties, ["username", "email"]);
      const { user } = await turn.ask({ user: question });
      return text(`User response: ${outcome(user)}`);
    },
    withString("message"),
  ),
  tool("test_elicitation_sep1034_defaults", async (turn) => {
    const { form: filled } = await turn.ask({ form: form("Please review", DEFAULTS) });
    return text(`Elicitation completed: ${outcome(filled)}`);
  }),
  tool("test_elicitation_sep1330_enums", async (turn) => {
    const { form: filled } = await turn.ask({ form: form("Please choose", ENUMS) });
    return text(`Elicitation completed: ${outcome(filled)}`);
  }),
  tool("json_schema_2020_12_tool", async () => text("ok"), DIALECT),
  tool("test_header_param", async ({ args }) => text(String(args["region"] ?? "")), {
    type: "object",
    properties: { region: { type: "string", "x-mcp-header": "Region" } },
  }),
  tool("test_missing_capability", async (turn) => {
    turn.need("sampling");
    const { said } = await turn.ask({ said: sample("Say something") });
    return text(String(contentOf(said)["text"]));
  }),
  tool("test_streaming_elicitation", async (turn) => {
    const { user_name: user } = await turn.ask({ user_name: nameForm });
    return text(`Hello, ${String(contentOf(user)["name"])}!`);
  }),
  tool("test_input_required_result_elicitation", async (turn) => {
    const { user_name: user } = await turn.ask({ user_name: nameForm });
    return text(`Hello, ${String(contentOf(user)["name"])}!`);
  }),
  tool("test_input_required_result_sampling", async (turn) => {
    const { capital_question: said } = await turn.ask({ capital_question: sample("What is the capital of France?") });
    return text(String(contentOf(said)["text"]));
  }),
  tool("test_input_required_result_list_roots", async (turn) => {
    const { client_roots: listed } = await turn.ask({ client_roots: roots });
    return text(`Roots: ${JSON.stringify(listed?.["roots"])}`);
  }),
  tool("test_input_required_result_request_state", async (turn) => {
    await turn.ask({ confirm: form("Please confirm", { ok: { type: "boolean" } }, ["ok"]) });
    return text("state-ok");
  }),
  tool("test_input_required_result_tampered_state", async (turn) => {
    await turn.ask({ confirm: form("Please confirm", { ok: { type: "boolean" } }, ["ok"]) });
    return text("state-ok");
  }),
  tool("test_input_required_result_multiple_inputs", async (turn) => {
    await turn.ask({ user_name: nameForm, greeting: sample("Generate a greeting", 50), client_roots: roots });
    return text("All inputs are here");
  }),
  tool("test_input_required_result_multi_round", async (turn) => {
    const { step1 } = await turn.ask({
      step1: form("Step 1: What is your name?", { name: { type: "string" } }, ["name"]),
    });
    const { step2 } = await turn.ask({
      step2: form("Step 2: What is your favorite color?", { color: { type: "string" } }, ["color"]),
    });
    return text(`${String(contentOf(step1)["name"])} likes ${String(contentOf(step2)["color"])}`);
  }),
  tool("test_input_required_result_capabilities", async (turn) => {
    await turn.ask({
      ...(turn.capabilities["elicitation"] === undefined ? {} : { user_name: nameForm }),
      ...(turn.capabilities["sampling"] === undefined ? {} : { greeting: sample("Generate a greeting", 50) }),
    });
    return text("done");
  }),
  tool("test_trigger_tool_change", async (turn) => {
    turn.toolsChanged();
    return text("changed");
  }),
  tool("test_trigger_prompt_change", async (turn) => {
    turn.promptsChanged();
    return text("changed");
  }),
];

/** A tool that comes and goes when the suite changes the list. */
export const COMING: SurfaceTool = tool("test_coming", async () => text("here"));

export const PROMPTS: readonly Members[] = [
  { name: "test_simple_prompt", description: "A simple prompt" },
  {
    name: "test_prompt_with_arguments",
    description: "A prompt with arguments",
    arguments: [
      { name: "arg1", required: true },
      { name: "arg2", required: true },
    ],
  },
  {
    name: "test_prompt_with_embedded_resource",
    description: "A prompt with a resource",
    arguments: [{ name: "resourceUri", required: true }],
  },
  { name: "test_prompt_with_image", description: "A prompt with an image" },
  { name: "test_input_required_result_prompt", description: "A prompt that asks" },
];
export const COMING_PROMPT: Members = { name: "test_coming_prompt", description: "Comes and goes" };

const user = (content: Members): Members => ({ role: "user", content });
const said = (value: string): Members => user({ type: "text", text: value });

/** Undefined: there is no such prompt. */
export async function promptOf(name: string, turn: Turn): Promise<Members | undefined> {
  const { args } = turn;
  switch (name) {
    case "test_simple_prompt":
    case "test_coming_prompt":
      return { messages: [said("This is a simple prompt for testing.")] };
    case "test_prompt_with_arguments":
      return {
        messages: [said(`Prompt with arguments: arg1='${String(args["arg1"])}', arg2='${String(args["arg2"])}'`)],
      };
    case "test_prompt_with_embedded_resource":
      return {
        messages: [
          user({
            type: "resource",
            resource: {
              uri: args["resourceUri"],
              mimeType: "text/plain",
              text: "Embedded resource content for testing.",
            },
          }),
          said("Please process the embedded resource above."),
        ],
      };
    case "test_prompt_with_image":
      return {
        messages: [user({ type: "image", data: PNG, mimeType: "image/png" }), said("Please analyze the image above.")],
      };
    case "test_input_required_result_prompt": {
      const { user_context: context } = await turn.ask({
        user_context: form("What context should the prompt have?", { context: { type: "string" } }, ["context"]),
      });
      return { messages: [said(`Context: ${String(contentOf(context)["context"])}`)] };
    }
    default:
      return undefined;
  }
}

export const RESOURCES: readonly Members[] = [
  { uri: "test://static-text", name: "static-text", mimeType: "text/plain" },
  { uri: "test://static-binary", name: "static-binary", mimeType: "image/png" },
  { uri: "test://watched-resource", name: "watched-resource", mimeType: "text/plain" },
];
export const TEMPLATES: readonly Members[] = [
  { uriTemplate: "test://template/{id}/data", name: "template", mimeType: "application/json" },
];

/** Undefined: there is no such resource. */
export function resourceOf(uri: string): Members | undefined {
  const id = /^test:\/\/template\/([^/]+)\/data$/.exec(uri)?.[1];
  if (id !== undefined) {
    const data = JSON.stringify({ id, templateTest: true, data: `Data for ID: ${id}` });
    return { contents: [{ uri, mimeType: "application/json", text: data }] };
  }
  switch (uri) {
    case "test://static-text":
      return { contents: [{ uri, mimeType: "text/plain", text: "This is the content of the static text resource." }] };
    case "test://static-binary":
      return { contents: [{ uri, mimeType: "image/png", blob: PNG }] };
    case "test://watched-resource":
      return { contents: [{ uri, mimeType: "text/plain", text: "Watched resource content" }] };
    default:
      return undefined;
  }
}

export const COMPLETION: Members = { completion: { values: ["paris", "park", "party"], total: 3, hasMore: false } };
