// The control API's operations on bundles, agent locks and imports.
import {
  BundleSaveRequest,
  BundleSaveResult,
  ImportRequest,
  ImportResult,
  LockRequest,
  LockResult,
} from "@pratique/contracts";
import type { AgentLocks } from "../artifacts/agent-locks.ts";
import type { Bundles } from "../artifacts/bundles.ts";
import { post, type Operation } from "./operation.ts";

export function bundleOperations(bundles: Bundles, locks: AgentLocks): Operation[] {
  return [
    post("/artifacts/lock", "Pin an agent and all it names", LockRequest, LockResult, ({ principal, body }) =>
      locks.lock(principal, body),
    ),
    post(
      "/bundles",
      "Write artifacts with their evidence into one archive",
      BundleSaveRequest,
      BundleSaveResult,
      ({ principal, body, signal }) => bundles.save(principal, body, signal),
    ),
    post(
      "/artifacts/import",
      "Bring in what an archive or layout holds",
      ImportRequest,
      ImportResult,
      ({ principal, body }) => bundles.import(principal, body),
    ),
  ];
}
