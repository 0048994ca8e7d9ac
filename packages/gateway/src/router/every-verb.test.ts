// No verb reaches a server without guard: whatever a client may ask, a guard that denies is asked first.
import { ClientRequestSchema } from "@modelcontextprotocol/sdk/types.js";
import type { Action } from "@pratique/contracts";
import type { JsonObject } from "@pratique/core";
import type { Guard, Outcome } from "@pratique/guard";
import { describe, expect, it } from "vitest";
import { principalKey } from "../front/caller.ts";
import { caller, FakeServer, heard, openRouter, owner, recordingGuard, tool } from "./router.fixture.ts";
import { TaskIds } from "./task-ids.ts";

const KEY = new Uint8Array(32).fill(7);
const taskId = new TaskIds(KEY).seal({ server: "a", tool: "t", id: "1" }, principalKey(caller(owner)));
const client = {
  era: "modern",
  protocolVersion: "2026-07-28",
  capabilities: { extensions: { "io.modelcontextprotocol/tasks": {} } },
} as const;

/** Every request of both revisions and of the extensions that the gateway knows, and one that it does not know. */
const VERBS: Readonly<Record<string, { readonly params: JsonObject; readonly action: Action }>> = {
  "tools/list": { params: {}, action: "tool:list" },
  "tools/call": { params: { name: "t" }, action: "tool:call" },
  "prompts/list": { params: {}, action: "prompt:get" },
  "prompts/get": { params: { name: "p" }, action: "prompt:get" },
  "resources/list": { params: {}, action: "resource:read" },
  "resources/templates/list": { params: {}, action: "resource:read" },
  "resources/read": { params: { uri: "x://a" }, action: "resource:read" },
  "resources/directory/read": { params: { uri: "x://a" }, action: "resource:read" },
  "completion/complete": { params: { ref: { type: "ref/prompt", name: "p" } }, action: "prompt:get" },
  "tasks/get": { params: { taskId }, action: "tool:task" },
  "tasks/update": { params: { taskId, inputResponses: {} }, action: "tool:task" },
  "tasks/cancel": { params: { taskId }, action: "tool:task" },
  "tasks/result": { params: { taskId }, action: "tool:task" },
  "tasks/list": { params: {}, action: "tool:list" },
  "skills/list": { params: {}, action: "resource:read" },
  "skills/get": { params: { uri: "skill://s/SKILL.md" }, action: "resource:read" },
  "measure/start": { params: {}, action: "extension:call" },
};

/** Methods of requests that the side of the gateway that talks to clients answers itself. */
const NOT_OURS = new Set(["initialize", "ping", "server/discover", "subscriptions/listen", "logging/setLevel"]);

function server(): FakeServer {
  const a = new FakeServer("a", {
    tools: [tool("t")],
    prompts: [{ name: "p" }],
    resources: [{ uri: "x://a", name: "a" }],
    templates: [{ uriTemplate: "y://{id}", name: "y" }],
  });
  a.capabilities = {
    ...a.capabilities,
    tasks: { list: {} },
    extensions: { "io.modelcontextprotocol/skills": {}, "dev.acme/measure": {} },
  };
  return a;
}

/** Denies everything, and remembers what it was asked. */
function denyingGuard(asked: Action[], real: Guard): Guard {
  const refused = async (action: Action): Promise<Outcome<never>> => {
    asked.push(action);
    const decision = { allow: false, policies: [], reason: "no", policyDigest: "none", needsApproval: false };
    const { record } = await real.perform(
      { principal: undefined, action, resource: { type: "System", id: "x" } },
      async () => undefined,
    );
    return { allowed: false, decision, record };
  };
  return {
    ...real,
    perform: ({ action }) => refused(action),
    filter: async ({ action }) => {
      asked.push(action);
      return [];
    },
    filterAgain: async ({ act: { action } }) => {
      asked.push(action);
      return [];
    },
    decide: () => ({ allow: false, policies: [], reason: "no", policyDigest: "none", needsApproval: false }),
  };
}

async function openDenied() {
  const a = server();
  const asked: Action[] = [];
  const fixture = await openRouter([a], { guard: denyingGuard(asked, recordingGuard([])), key: KEY });
  for (const kind of ["tools", "prompts", "resources", "templates"] as const) await a.list(kind);
  return { a, asked, ...fixture };
}

describe("a guard that denies", () => {
  it.each(Object.entries(VERBS))(
    "is asked of %s, and nothing reaches the server",
    async (method, { params, action }) => {
      const { a, asked, ask } = await openDenied();
      const answer = await ask(owner, method, params, { client }).catch((error: unknown) => error);
      expect(asked).toContain(action);
      expect(a.seen).toEqual([]);
      expect(JSON.stringify(answer)).not.toMatch(/x:\/\/a|y:\/\/|"t"|"p"/);
    },
  );

  it("is asked before a resource is watched, and before anything is told", async () => {
    const { a, asked, router } = await openDenied();
    const { all, tell } = heard();
    const filter = { tools: true, prompts: true, resources: true, uris: [] };
    const listening = await router.listen(caller(owner), filter, tell);
    await expect(listening.watch("x://a")).rejects.toMatchObject({ code: "policy.denied" });
    expect(asked).toEqual(["resource:read"]);
    expect(a.watched.size).toBe(0);
    router.heard(a, { type: "log", params: { level: "info", data: "x" } });
    router.heard(a, { type: "list-changed", kind: "tools" });
    router.heard(a, { type: "notification", method: "notifications/dev.acme", params: {} });
    await new Promise((resolve) => setImmediate(resolve));
    expect(all).toEqual([]);
  });

  it("is asked of what the gateway says of itself", async () => {
    const { a, asked, router } = await openDenied();
    a.instructions = "secret";
    const face = await router.face(caller(owner), client);
    expect(asked).toEqual(["tool:list"]);
    expect(face.instructions).toBeUndefined();
    expect(face.capabilities["extensions"]).toBeUndefined();
  });

  it("is asked of every method that a client of the official SDK can send, since the table above names all", () => {
    const known = new Set([...Object.keys(VERBS), ...NOT_OURS, "resources/subscribe", "resources/unsubscribe"]);
    const methods = ClientRequestSchema.options.map(({ shape }) => shape.method.value);
    expect(methods).toContain("tools/call");
    expect(methods.filter((method) => !known.has(method))).toEqual([]);
  });
});
