// Requests that may be sent again when nobody knows what became of them.
import { isJsonObject, type JsonObject } from "@pratique/core";
import type { ToolVerdict } from "../server-definition.ts";

const READS: ReadonlySet<string> = new Set([
  "tools/list",
  "prompts/list",
  "prompts/get",
  "resources/list",
  "resources/templates/list",
  "resources/read",
  "completion/complete",
  "server/discover",
  "ping",
  "tasks/get",
  "tasks/list",
  "tasks/result",
]);

/** `tool`: as the server lists it. Its own claims count here: to repeat a call does what the server says may be repeated. */
export function isRepeatable(method: string, verdict: ToolVerdict | undefined, tool: JsonObject | undefined): boolean {
  if (method !== "tools/call") return READS.has(method);
  const annotations = tool?.["annotations"];
  if (verdict?.readOnly === true) return true;
  return isJsonObject(annotations) && (annotations["idempotentHint"] === true || annotations["readOnlyHint"] === true);
}
