// The control API's operation on admission.
import { AdmissionStatus } from "@pratique/contracts";
import type { AdmissionDesk } from "../admission/admission-desk.ts";
import { get, type Operation } from "./operation.ts";

export function admissionOperations(admission: AdmissionDesk): Operation[] {
  return [
    get("/admission", "How Kubernetes admission is set up", AdmissionStatus, ({ principal }) =>
      admission.status(principal),
    ),
  ];
}
