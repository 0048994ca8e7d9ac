// Kubernetes image admission: `admission` in `pratique.yaml`.
import { z } from "zod";
import { Duration } from "./housekeeping-config.schema.ts";

const Namespace = z.string().regex(/^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/, "a namespace");

export const AdmissionConfig = z
  .strictObject({
    listen: z
      .string()
      .optional()
      .describe(
        "Address and port that the API server calls, such as `0.0.0.0:7443`; it serves nothing but admission. Without it reviews are answered on the main listener alone",
      ),
    tls: z
      .strictObject({
        certificate: z.string().min(1).describe("PEM file of the certificate, with its chain"),
        key: z.string().min(1).describe("PEM file of its private key"),
      })
      .optional()
      .describe("What that address proves itself with; read again when it changes"),
    clientAuthority: z
      .string()
      .min(1)
      .optional()
      .describe("PEM file of the authority whose certificates may call (mutual TLS)"),
    clientNames: z
      .array(z.string().min(1))
      .min(1)
      .optional()
      .describe("Common names that such a certificate must have; by default any"),
    tokenFile: z
      .string()
      .min(1)
      .optional()
      .describe("File, readable by its owner alone, with the bearer token that the API server sends"),
    registries: z
      .array(z.string().regex(/^[a-zA-Z0-9](?:[a-zA-Z0-9.-]{0,251}[a-zA-Z0-9])?(?::\d{1,5})?$/, "a host"))
      .default([])
      .describe("Hosts under which the cluster knows this registry"),
    exemptNamespaces: z
      .array(Namespace)
      .default(["kube-system"])
      .describe("Namespaces whose pods are not judged: without some, a cluster cannot start again by itself"),
    pin: z
      .boolean()
      .default(true)
      .describe("Whether the mutating webhook puts the judged digest into each image, and the validating one wants it"),
    timeout: Duration.prefault("8s").describe(
      "A review that takes longer is denied; the webhook's own time limit counts when it is shorter",
    ),
  })
  .refine(({ listen, tls }) => listen === undefined || tls !== undefined, {
    message: "an address to listen on needs `tls`",
    path: ["listen"],
  })
  .refine(
    ({ listen, clientAuthority, tokenFile }) => listen === undefined || (clientAuthority ?? tokenFile) !== undefined,
    {
      message: "an address to listen on needs `clientAuthority` or `tokenFile`: whoever may ask must be known",
      path: ["listen"],
    },
  )
  .refine(({ clientNames, clientAuthority }) => clientNames === undefined || clientAuthority !== undefined, {
    message: "`clientNames` needs `clientAuthority`",
    path: ["clientNames"],
  });
export type AdmissionConfig = z.infer<typeof AdmissionConfig>;
