// Tasks: of the extension io.modelcontextprotocol/tasks and of revision 2025-11-25. Asked of the server whose they are, by
// the principal whose they are.
import { isJsonObject, type JsonObject } from "@pratique/core";
import { gatewayErrors } from "../errors.ts";
import type { Answer, Exchange } from "../exchange/exchange.ts";
import { McpError } from "../exchange/mcp-error.ts";
import { principalKey } from "../front/caller.ts";
import { textAt } from "./fit-entry.ts";
import { withShownUris } from "./links.ts";
import { passOn, type Asked } from "./reads.ts";
import { toolResource } from "./server-place.ts";
import type { Member, ToolOffer, View } from "./view.ts";

export const TASKS_EXTENSION = "io.modelcontextprotocol/tasks";
const MISSING_CAPABILITY = -32_021;

export function isTaskMethod(method: string): boolean {
  return method.startsWith("tasks/");
}

/** @throws `gateway.unknown-task`, `policy.denied` */
export async function answerTask(asked: Asked): Promise<Answer> {
  const { caller, view, exchange, parts } = asked;
  requireExtension(exchange);
  if (exchange.method === "tasks/list") return await listTasks(asked);
  const owner = principalKey(caller);
  const publicId = textAt(exchange.params, "taskId") ?? "";
  const task = parts.taskIds.open(publicId, owner);
  const member = task === undefined ? undefined : view.member(task.server);
  if (task === undefined || member === undefined) throw gatewayErrors("gateway.unknown-task");
  const { tool, id } = task;
  const offer = offerOf(view, member, tool);
  const act = { action: "tool:task" as const, method: exchange.method, what: tool, details: { task: id } };
  const result = await passOn(asked, member, { ...exchange.params, taskId: id }, act, (server) =>
    offer === undefined ? toolResource(server, member.place.definition, { name: tool }, false) : offer.resource(server),
  );
  const sealed = parts.taskIds.sealIn(result, { server: member.name, tool }, owner);
  const inner = sealed["result"];
  if (isJsonObject(inner)) return { ...sealed, result: await withShownUris(inner, member, view, parts) };
  return await withShownUris(sealed, member, view, parts);
}

/** A client of the newest revision that does not know tasks has none (SEP-2663). */
function requireExtension({ client, method }: Exchange): void {
  if (client.era !== "modern") return;
  const { extensions } = client.capabilities;
  if (isJsonObject(extensions) && extensions[TASKS_EXTENSION] !== undefined) return;
  const data = { requiredCapabilities: { extensions: { [TASKS_EXTENSION]: {} } } };
  throw new McpError(MISSING_CAPABILITY, `${method} needs the client to know ${TASKS_EXTENSION}`, data);
}

/** Those of the principal, of all servers that list tasks. A server that cannot be asked takes nothing from the others. */
async function listTasks(asked: Asked): Promise<Answer> {
  const { caller, view, exchange, parts } = asked;
  const owner = principalKey(caller);
  const { cursor: _, ...params } = exchange.params;
  const lists = await Promise.allSettled(
    view.members.filter(listsTasks).map(async (member) => {
      const act = { action: "tool:list" as const, method: exchange.method, what: exchange.method, details: {} };
      const { tasks } = await passOn(asked, member, params, act);
      if (!Array.isArray(tasks)) return [];
      return tasks.flatMap((task: unknown): JsonObject[] => {
        const id = isJsonObject(task) ? textAt(task, "taskId") : undefined;
        const known = id === undefined ? undefined : parts.taskIds.ownerOf(member.name, id);
        if (!isJsonObject(task) || known?.owner !== owner) return [];
        return [parts.taskIds.sealIn(task, { server: member.name, tool: known.tool }, owner)];
      });
    }),
  );
  return { tasks: lists.flatMap((list) => (list.status === "fulfilled" ? list.value : [])) };
}

function listsTasks({ upstream }: Member): boolean {
  const tasks = upstream.knownFacts()?.capabilities["tasks"];
  return isJsonObject(tasks) && tasks["list"] !== undefined;
}

function offerOf(view: View, member: Member, tool: string): ToolOffer | undefined {
  return view.tools.offers.find((offer) => offer.member === member && offer.own === tool);
}
