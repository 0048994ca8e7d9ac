// Reviews as an API server of Kubernetes 1.35 sends them, cut to what is not the same in each.
import { AdmissionRequest } from "@pratique/contracts";

interface ReviewChanges {
  readonly kind?: { group: string; version: string; kind: string };
  readonly operation?: "CREATE" | "UPDATE" | "DELETE" | "CONNECT";
  readonly namespace?: string;
  readonly object?: unknown;
  readonly oldObject?: unknown;
  readonly dryRun?: boolean;
  readonly subResource?: string;
}

export const UID = "705ab4f5-6393-11e8-b7cc-42010a800002";

/** A pod as the API server has it: defaults filled in. */
export function podOf(spec: object): object {
  return {
    kind: "Pod",
    apiVersion: "v1",
    metadata: { name: "web", namespace: "shop", creationTimestamp: null, labels: { app: "web" } },
    spec: {
      volumes: [{ name: "kube-api-access-x", projected: { sources: [], defaultMode: 420 } }],
      restartPolicy: "Always",
      dnsPolicy: "ClusterFirst",
      serviceAccountName: "default",
      securityContext: {},
      tolerations: [{ key: "node.kubernetes.io/not-ready", operator: "Exists", effect: "NoExecute" }],
      ...spec,
    },
    status: {},
  };
}

export const container = (name: string, image: string): object => ({
  name,
  image,
  resources: {},
  terminationMessagePath: "/dev/termination-log",
  imagePullPolicy: "IfNotPresent",
});

export function requestOf(changes: ReviewChanges): AdmissionRequest {
  const { kind = { group: "", version: "v1", kind: "Pod" } } = changes;
  return AdmissionRequest.parse({
    uid: UID,
    kind,
    resource: { group: kind.group, version: "v1", resource: `${kind.kind.toLowerCase()}s` },
    requestKind: kind,
    name: "web",
    namespace: "shop",
    operation: "CREATE",
    userInfo: { username: "system:serviceaccount:kube-system:replicaset-controller", groups: ["system:authenticated"] },
    object: null,
    oldObject: null,
    dryRun: false,
    options: { kind: "CreateOptions", apiVersion: "meta.k8s.io/v1" },
    ...changes,
  });
}
