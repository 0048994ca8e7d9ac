// Kubernetes `AdmissionReview` v1, as far as images are judged by it. Theirs, so unknown keys pass.
import { z } from "zod";

const GroupKind = z.looseObject({ group: z.string().default(""), version: z.string(), kind: z.string() });
const KubernetesObject = z.record(z.string(), z.unknown());

/** k8s.io/api/admission/v1, AdmissionRequest. */
export const AdmissionRequest = z.looseObject({
  uid: z.string().min(1).max(256),
  kind: GroupKind,
  subResource: z.string().optional(),
  name: z.string().optional(),
  namespace: z.string().optional(),
  operation: z.enum(["CREATE", "UPDATE", "DELETE", "CONNECT"]),
  userInfo: z.looseObject({ username: z.string().optional() }).optional(),
  object: KubernetesObject.nullish(),
  oldObject: KubernetesObject.nullish(),
  dryRun: z.boolean().nullish(),
});
export type AdmissionRequest = z.infer<typeof AdmissionRequest>;

export const AdmissionReview = z.looseObject({
  apiVersion: z.literal("admission.k8s.io/v1"),
  kind: z.literal("AdmissionReview"),
  request: AdmissionRequest,
});

/** One step of a JSON Patch (RFC 6902). */
export interface PatchStep {
  readonly op: "test" | "replace";
  readonly path: string;
  readonly value: string;
}

/** k8s.io/api/admission/v1, AdmissionResponse. */
export interface AdmissionResponse {
  readonly uid: string;
  readonly allowed: boolean;
  readonly status?: { readonly code: number; readonly reason: string; readonly message: string };
  readonly patchType?: "JSONPatch";
  /** Base64 of the patch. */
  readonly patch?: string;
  readonly warnings?: readonly string[];
  readonly auditAnnotations?: Readonly<Record<string, string>>;
}
