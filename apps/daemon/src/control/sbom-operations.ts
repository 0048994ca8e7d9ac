// The control API's operations on bills of materials.
import { DiffRequest, DiffResult, SbomRequest, SbomResult } from "@pratique/contracts";
import type { DiffDesk } from "../sboms/diff-desk.ts";
import type { SbomDesk } from "../sboms/sbom-desk.ts";
import { post, type Operation } from "./operation.ts";

export function sbomOperations(sboms: SbomDesk, diffs: DiffDesk): Operation[] {
  return [
    post(
      "/artifacts/sbom",
      "The bill of materials of an artifact, as it is attested or by looking, in any format",
      SbomRequest,
      SbomResult,
      ({ principal, body }) => sboms.sbom(principal, body),
    ),
    post(
      "/artifacts/diff",
      "What differs between two artifacts: packages, files, licences, tools, permissions, models",
      DiffRequest,
      DiffResult,
      ({ principal, body }) => diffs.diff(principal, body),
    ),
  ];
}
