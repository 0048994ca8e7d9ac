// What a cluster's webhooks have to know of admission here.
import { z } from "zod";

export const AdmissionStatus = z.strictObject({
  /** Its own address, when it has one. */
  listen: z.string().optional(),
  /** How the API server is known there. */
  authentication: z.array(z.enum(["certificate", "token"])),
  exemptNamespaces: z.array(z.string()),
  pin: z.boolean(),
  timeoutMs: z.int(),
});
export type AdmissionStatus = z.infer<typeof AdmissionStatus>;
