// The webhook configurations by which a cluster asks here about images. Pure.

export interface WebhookTarget {
  /** Where the API server finds the daemon. */
  readonly client: { readonly url: string } | { readonly service: { namespace: string; name: string; port: number } };
  /** PEM of the authority that the daemon's certificate is by. */
  readonly authority?: string | undefined;
  readonly exemptNamespaces: readonly string[];
  readonly timeoutSeconds: number;
  readonly pin: boolean;
}

const NAME = "pratique-images";

const POD_RULES = [
  { apiGroups: [""], apiVersions: ["v1"], operations: ["CREATE", "UPDATE"], resources: ["pods"], scope: "Namespaced" },
  {
    apiGroups: [""],
    apiVersions: ["v1"],
    operations: ["UPDATE"],
    resources: ["pods/ephemeralcontainers"],
    scope: "Namespaced",
  },
];

const TEMPLATE_RULES = [
  {
    apiGroups: ["apps"],
    apiVersions: ["v1"],
    operations: ["CREATE", "UPDATE"],
    resources: ["deployments", "replicasets", "statefulsets", "daemonsets"],
    scope: "Namespaced",
  },
  {
    apiGroups: ["batch"],
    apiVersions: ["v1"],
    operations: ["CREATE", "UPDATE"],
    resources: ["jobs", "cronjobs"],
    scope: "Namespaced",
  },
  {
    apiGroups: [""],
    apiVersions: ["v1"],
    operations: ["CREATE", "UPDATE"],
    resources: ["replicationcontrollers", "podtemplates"],
    scope: "Namespaced",
  },
];

/** Both configurations, the mutating one only when digests are pinned. What cannot be asked is denied (failurePolicy). */
export function webhookConfigurations(target: WebhookTarget): object[] {
  const { exemptNamespaces, timeoutSeconds, pin } = target;
  const common = {
    failurePolicy: "Fail",
    matchPolicy: "Equivalent",
    // A review that is only tried leaves no record.
    sideEffects: "NoneOnDryRun",
    admissionReviewVersions: ["v1"],
    timeoutSeconds,
    ...(exemptNamespaces.length === 0
      ? {}
      : {
          namespaceSelector: {
            matchExpressions: [
              { key: "kubernetes.io/metadata.name", operator: "NotIn", values: [...exemptNamespaces] },
            ],
          },
        }),
  };
  const configuration = (kind: string, webhook: object): object => ({
    apiVersion: "admissionregistration.k8s.io/v1",
    kind,
    metadata: { name: NAME, labels: { "app.kubernetes.io/name": "pratique" } },
    webhooks: [webhook],
  });
  const validating = configuration("ValidatingWebhookConfiguration", {
    name: "validate.images.pratique.dev",
    clientConfig: clientConfigOf(target, "/admission/v1/validate"),
    rules: [...POD_RULES, ...TEMPLATE_RULES],
    ...common,
  });
  if (!pin) return [validating];
  const mutating = configuration("MutatingWebhookConfiguration", {
    name: "pin.images.pratique.dev",
    clientConfig: clientConfigOf(target, "/admission/v1/review"),
    rules: POD_RULES,
    // Whoever puts a container in afterwards gets it judged and pinned, too.
    reinvocationPolicy: "IfNeeded",
    ...common,
  });
  return [mutating, validating];
}

function clientConfigOf({ client, authority }: WebhookTarget, path: string): object {
  const caBundle = authority === undefined ? {} : { caBundle: Buffer.from(authority).toString("base64") };
  if ("url" in client) return { url: `${client.url.replace(/\/+$/, "")}${path}`, ...caBundle };
  return { service: { ...client.service, path }, ...caBundle };
}
