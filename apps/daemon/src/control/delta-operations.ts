// The control API's operations on deltas.
import { DeltaRequest, DeltaResult } from "@pratique/contracts";
import type { Deltas } from "../artifacts/deltas.ts";
import { post, type Operation } from "./operation.ts";

export function deltaOperations(deltas: Deltas): Operation[] {
  return [
    post(
      "/artifacts/delta",
      "Hang a delta against another artifact on an artifact",
      DeltaRequest,
      DeltaResult,
      ({ principal, body, signal }) => deltas.publish(principal, body, signal),
    ),
  ];
}
