// Tools for a person at the terminal: what the gateway shows him, and calls, as any client of his would have them.
import type { Principal, ToolCallRequest } from "@pratique/contracts";
import type { JsonObject } from "@pratique/core";
import type { Gateway } from "@pratique/gateway";

const PAGES_LIMIT = 100;

export class ToolDesk {
  readonly #gateway: Gateway;

  constructor(gateway: Gateway) {
    this.#gateway = gateway;
  }

  async list(principal: Principal, profile: string | undefined, signal: AbortSignal): Promise<JsonObject[]> {
    const tools: JsonObject[] = [];
    let cursor: string | undefined;
    for (let page = 0; page < PAGES_LIMIT; page++) {
      const params = cursor === undefined ? {} : { cursor };
      const answer = await this.#gateway.ask({ principal, profile }, "tools/list", params, signal);
      const { tools: some, nextCursor } = answer;
      if (Array.isArray(some)) tools.push(...some);
      if (typeof nextCursor !== "string") break;
      cursor = nextCursor;
    }
    return tools;
  }

  async call(principal: Principal, request: ToolCallRequest, signal: AbortSignal): Promise<JsonObject> {
    const { profile, name, arguments: args = {} } = request;
    return await this.#gateway.ask({ principal, profile }, "tools/call", { name, arguments: args }, signal);
  }
}
