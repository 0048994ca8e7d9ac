// The control API's operations on profiles and tools of the gateway.
import {
  ProfileList,
  ProfileRemoved,
  ProfileSetRequest,
  ProfileSummary,
  ToolCallAnswer,
  ToolCallRequest,
  ToolList,
} from "@pratique/contracts";
import { z } from "zod";
import type { Profiles } from "../gateway/profiles.ts";
import type { ToolDesk } from "../gateway/tool-desk.ts";
import { get, post, type Operation } from "./operation.ts";

export interface GatewayDesks {
  readonly profiles: Profiles;
  readonly tools: ToolDesk;
}

export function gatewayOperations({ profiles, tools }: GatewayDesks): Operation[] {
  return [
    get("/gateway/profiles", "List the profiles of the gateway", ProfileList, async ({ principal }) => ({
      profiles: await profiles.list(principal),
    })),
    post(
      "/gateway/profiles",
      "Set a profile, and keep it over the one of the configuration",
      ProfileSetRequest,
      ProfileSummary,
      ({ principal, body }) => profiles.set(principal, body),
    ),
    post(
      "/gateway/profiles/{name}/remove",
      "Remove a profile that was set; the one of the configuration counts again",
      z.strictObject({}),
      ProfileRemoved,
      ({ principal, path }) => profiles.remove(principal, path["name"] ?? ""),
    ),
    get(
      "/gateway/tools",
      "List the tools that you may see",
      ToolList,
      async ({ principal, query, signal }) =>
        ToolList.parse({ tools: await tools.list(principal, query.get("profile") ?? undefined, signal) }),
      { profile: "Name of a profile, or of servers joined by +" },
    ),
    post("/gateway/call", "Call a tool", ToolCallRequest, ToolCallAnswer, async ({ principal, body, signal }) =>
      ToolCallAnswer.parse({ result: await tools.call(principal, body, signal) }),
    ),
  ];
}
