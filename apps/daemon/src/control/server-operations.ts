// The control API's operations on MCP servers that are not artifacts yet.
import { AdviseRequest, AdviseResult } from "@pratique/contracts";
import type { AdviceDesk } from "../artifacts/advice-desk.ts";
import { post, type Operation } from "./operation.ts";

export function serverOperations(advice: AdviceDesk): Operation[] {
  return [
    post("/servers/advise", "Say how an MCP server is best run", AdviseRequest, AdviseResult, ({ principal, body }) =>
      advice.advise(principal, body),
    ),
  ];
}
