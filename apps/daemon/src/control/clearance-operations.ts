// Operations of clearances and waivers.
import { ClearAllResult, ClearanceList, WaiverEntry, WaiverRequest } from "@pratique/contracts";
import { z } from "zod";
import type { Clearing } from "../clearance/open-clearance.ts";
import { get, post, type Operation } from "./operation.ts";

export function clearanceOperations(clearing: Clearing): Operation[] {
  return [
    get(
      "/clearances",
      "Artifacts that are cleared, and those that lost their clearance",
      ClearanceList,
      ({ principal, query }) =>
        clearing.clearances.list(principal, query.get("lost") === "true", clearing.background.isDeciding),
      { lost: "true: only those that lost it" },
    ),
    post(
      "/clearances/clear-all",
      "Decide anew over all that was ever cleared",
      z.strictObject({}),
      ClearAllResult,
      ({ principal }) => clearing.clearances.clearAll(principal),
    ),
    get(
      "/waivers",
      "Waivers: those in force, expired and removed",
      z.strictObject({ waivers: z.array(WaiverEntry) }),
      async ({ principal }) => ({ waivers: await clearing.waivers.list(principal) }),
    ),
    post("/waivers", "Grant a waiver", WaiverRequest, WaiverEntry, ({ principal, body }) =>
      clearing.waivers.add(principal, body),
    ),
    post(
      "/waivers/remove",
      "Take a waiver back",
      z.strictObject({ id: z.string().min(1).max(64) }),
      WaiverEntry,
      ({ principal, body }) => clearing.waivers.remove(principal, body.id),
    ),
  ];
}
