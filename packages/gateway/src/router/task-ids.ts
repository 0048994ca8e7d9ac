// Ids of tasks as clients know them: they say whose task it is at which server, and are good for one principal only.
import { createHmac, hkdfSync, randomBytes, timingSafeEqual } from "node:crypto";
import { isJsonObject, type JsonObject } from "@pratique/core";
import { textAt } from "./fit-entry.ts";

export interface TaskPlace {
  readonly server: string;
  /** The server's own name of the tool whose call began it; empty when that is not known. */
  readonly tool: string;
  /** The server's own id. */
  readonly id: string;
}

export const RELATED_TASK = "io.modelcontextprotocol/related-task";
const MAC_BYTES = 16;
const ID_LIMIT = 4096;
/** Tasks whose owners are remembered, for what servers say of them unasked. */
const KNOWN_LIMIT = 10_000;

export class TaskIds {
  readonly #key: Buffer;
  readonly #owners = new Map<string, { readonly owner: string; readonly tool: string }>();

  /** `key`: 32 bytes; ids outlive a restart when it does. */
  constructor(key: Uint8Array = randomBytes(32)) {
    this.#key = Buffer.from(hkdfSync("sha256", key, new Uint8Array(), "pratique task ids", 32));
  }

  /** The public id of a task of a principal. */
  seal({ server, tool, id }: TaskPlace, owner: string): string {
    const known = `${server} ${id}`;
    this.#owners.delete(known);
    this.#owners.set(known, { owner, tool });
    if (this.#owners.size > KNOWN_LIMIT) this.#owners.delete(this.#owners.keys().next().value ?? "");
    const body = Buffer.from(JSON.stringify([server, tool, id])).toString("base64url");
    return `${body}.${this.#mac(body, owner).toString("base64url")}`;
  }

  /** Where it leads; undefined when it is none of that principal's. */
  open(publicId: string, owner: string): TaskPlace | undefined {
    if (publicId.length > ID_LIMIT) return undefined;
    const [body = "", mac = ""] = publicId.split(".", 2);
    const given = Buffer.from(mac, "base64url");
    if (given.length !== MAC_BYTES || !timingSafeEqual(given, this.#mac(body, owner))) return undefined;
    const parts: unknown = JSON.parse(Buffer.from(body, "base64url").toString("utf8"));
    if (!Array.isArray(parts)) return undefined;
    const [server, tool, id] = parts.map(String);
    return { server: server ?? "", tool: tool ?? "", id: id ?? "" };
  }

  /** Whose task it is, while that is remembered. */
  ownerOf(server: string, id: string): { readonly owner: string; readonly tool: string } | undefined {
    return this.#owners.get(`${server} ${id}`);
  }

  /** A result or notification with public ids in the places where tasks are named. */
  sealIn(message: JsonObject, from: { readonly server: string; readonly tool: string }, owner: string): JsonObject {
    const seal = (id: string): string => this.seal({ ...from, id }, owner);
    return sealed(message, seal);
  }

  #mac(body: string, owner: string): Buffer {
    return createHmac("sha256", this.#key).update(`${owner}\n${body}`).digest().subarray(0, MAC_BYTES);
  }
}

/** The task that a message names as related, for the router to put the server's own id in its place. */
export function relatedTask(message: JsonObject): string | undefined {
  const meta = message["_meta"];
  const related = isJsonObject(meta) ? meta[RELATED_TASK] : undefined;
  return isJsonObject(related) ? textAt(related, "taskId") : undefined;
}

function sealed(message: JsonObject, seal: (id: string) => string): JsonObject {
  let result = message;
  const id = textAt(message, "taskId");
  if (id !== undefined) result = { ...result, taskId: seal(id) };
  const { task, tasks, result: inner, _meta: meta } = message;
  if (isJsonObject(task) && textAt(task, "taskId") !== undefined) result = { ...result, task: sealed(task, seal) };
  if (Array.isArray(tasks))
    result = { ...result, tasks: tasks.map((one: unknown) => (isJsonObject(one) ? sealed(one, seal) : null)) };
  if (id !== undefined && isJsonObject(inner)) result = { ...result, result: sealed(inner, seal) };
  const related = relatedTask(message);
  if (related !== undefined && isJsonObject(meta))
    result = { ...result, _meta: { ...meta, [RELATED_TASK]: { taskId: seal(related) } } };
  return result;
}
