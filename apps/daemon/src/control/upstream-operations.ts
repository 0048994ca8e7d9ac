// Operations on upstream registries.
import { UpstreamStatus } from "@pratique/contracts";
import { z } from "zod";
import type { UpstreamDesk } from "../upstreams/upstream-desk.ts";
import { get, type Operation } from "./operation.ts";

export function upstreamOperations(desk: UpstreamDesk): Operation[] {
  return [
    get(
      "/registry/upstreams",
      "List the registries that are pulled through, and how they fare",
      z.strictObject({ upstreams: z.array(UpstreamStatus) }),
      async ({ principal }) => ({ upstreams: await desk.list(principal) }),
    ),
  ];
}
