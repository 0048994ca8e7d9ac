// One Secret of a Kubernetes cluster, through the API, as the service account of this Pod.
import type { Json, JsonObject } from "@pratique/core";
import { z } from "zod";
import { askJson, problemIn, safeAddress, type JsonAnswer } from "./ask-json.ts";
import { readPrivateFile } from "./keys/private-file.ts";

/** kubernetes.io, "Accessing the Kubernetes API from a Pod". */
export const IN_CLUSTER = {
  tokenFile: "/var/run/secrets/kubernetes.io/serviceaccount/token",
  caFile: "/var/run/secrets/kubernetes.io/serviceaccount/ca.crt",
  namespaceFile: "/var/run/secrets/kubernetes.io/serviceaccount/namespace",
  address: "https://kubernetes.default.svc",
};

export interface KubernetesPlace {
  readonly address: string;
  /** Read again on each request: the kubelet renews it. */
  readonly tokenFile: string;
  readonly caFile: string | undefined;
  readonly namespace: string;
  /** Name of the Secret. */
  readonly name: string;
}

export interface KubernetesSecret {
  readonly data: ReadonlyMap<string, Buffer>;
  readonly resourceVersion: string;
}

const SecretAnswer = z.looseObject({
  metadata: z.looseObject({ resourceVersion: z.string().min(1).max(200) }),
  data: z.record(z.string(), z.base64()).nullish(),
});

/** Undefined when there is none. @throws Error that says why there is no answer */
export async function readKubernetesSecret(place: KubernetesPlace): Promise<KubernetesSecret | undefined> {
  const answer = await ask(place, "GET", `/${place.name}`);
  if (answer.status === 404) return undefined;
  const parsed = answer.status === 200 ? SecretAnswer.safeParse(answer.body) : undefined;
  if (parsed?.success !== true) throw new Error(problemIn(answer));
  const data = new Map(
    Object.entries(parsed.data.data ?? {}).map(([key, text]) => [key, Buffer.from(text, "base64")] as const),
  );
  return { data, resourceVersion: parsed.data.metadata.resourceVersion };
}

/**
 * Makes the Secret, or replaces the one that was read; false when another did so meanwhile (409).
 * @throws Error that says why there is no answer
 */
export async function writeKubernetesSecret(
  place: KubernetesPlace,
  data: ReadonlyMap<string, Buffer>,
  resourceVersion: string | undefined,
): Promise<boolean> {
  const metadata: JsonObject = {
    name: place.name,
    namespace: place.namespace,
    labels: { "app.kubernetes.io/managed-by": "pratique" },
    ...(resourceVersion === undefined ? {} : { resourceVersion }),
  };
  const body: Json = {
    apiVersion: "v1",
    kind: "Secret",
    type: "Opaque",
    metadata,
    data: Object.fromEntries([...data].map(([key, bytes]) => [key, bytes.toString("base64")])),
  };
  const answer = await (resourceVersion === undefined
    ? ask(place, "POST", "", body)
    : ask(place, "PUT", `/${place.name}`, body));
  if (answer.status === 409) return false;
  if (answer.status !== 200 && answer.status !== 201) throw new Error(problemIn(answer));
  return true;
}

async function ask(
  place: KubernetesPlace,
  method: "GET" | "POST" | "PUT",
  path: string,
  body?: Json,
): Promise<JsonAnswer> {
  const base = safeAddress(place.address);
  if (base === undefined) throw new Error("its address must be https, or http on this machine");
  const token = (await readPrivateFile(place.tokenFile, { isMounted: true }))?.toString("utf8").trim() ?? "";
  if (token === "") throw new Error(`${place.tokenFile} holds no token: this is no Pod with a service account`);
  const ca =
    place.caFile === undefined ? undefined : (await readPrivateFile(place.caFile, { isMounted: true }))?.toString();
  return await askJson({
    url: new URL(`/api/v1/namespaces/${place.namespace}/secrets${path}`, base),
    method,
    headers: { authorization: `Bearer ${token}`, accept: "application/json" },
    ...(body === undefined ? {} : { body }),
    ca,
  });
}
