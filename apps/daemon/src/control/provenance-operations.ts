// The control API's operation on provenance.
import { ProvenanceRequest, ProvenanceResult } from "@pratique/contracts";
import type { ProvenanceDesk } from "../provenance/provenance-desk.ts";
import { post, type Operation } from "./operation.ts";

export function provenanceOperations(provenance: ProvenanceDesk): Operation[] {
  return [
    post(
      "/artifacts/verify-provenance",
      "Verify what built an artifact, and from what",
      ProvenanceRequest,
      ProvenanceResult,
      ({ principal, body }) => provenance.verify(principal, body),
    ),
  ];
}
