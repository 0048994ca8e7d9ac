// Operations of the upkeep of the registry's storage: collection and scrub.
import { CollectRequest, CollectResult, ScrubRequest, ScrubResult } from "@pratique/contracts";
import type { UpkeepDesk } from "../housekeeping/upkeep-desk.ts";
import { post, type Operation } from "./operation.ts";

export function upkeepOperations(upkeep: UpkeepDesk): Operation[] {
  return [
    post(
      "/registry/gc",
      "Remove blobs that no manifest needs, or show what would go; stops when the caller leaves",
      CollectRequest,
      CollectResult,
      ({ principal, body: { isDryRun, grace }, signal }) =>
        upkeep.collect(principal, { isDryRun, graceMs: grace, signal }),
    ),
    post(
      "/registry/scrub",
      "Read every blob and report what is damaged or missing; stops when the caller leaves",
      ScrubRequest,
      ScrubResult,
      ({ principal, body, signal }) => upkeep.scrub(principal, { ...body, signal }),
    ),
  ];
}
