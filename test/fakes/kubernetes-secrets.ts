// The API server of Kubernetes as far as Secrets go, with its optimistic locking; runs by hand.
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";

interface StoredSecret {
  data: Record<string, string>;
  resourceVersion: number;
}

export interface KubernetesSecretsFake {
  readonly address: string;
  readonly requests: string[];
  /** `namespace/name`. */
  readonly secrets: Map<string, StoredSecret>;
  /** Runs before the next write is looked at, once: somebody else is faster. */
  race: (() => void) | undefined;
  close(): Promise<void>;
}

/** Answers to the service account's `token`, as kube-apiserver 1.33 does. */
export async function startKubernetesSecretsFake(token: string): Promise<KubernetesSecretsFake> {
  let versions = 100;
  const fake: { -readonly [Key in keyof KubernetesSecretsFake]: KubernetesSecretsFake[Key] } = {
    address: "",
    requests: [],
    secrets: new Map(),
    race: undefined,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  const handle = async (req: IncomingMessage, res: ServerResponse): Promise<void> => {
    fake.requests.push(`${req.method} ${req.url}`);
    const answer = (code: number, body: unknown): void => {
      res.writeHead(code, { "content-type": "application/json" });
      res.end(JSON.stringify(body));
    };
    const failure = (code: number, reason: string, message: string): void =>
      answer(code, { kind: "Status", apiVersion: "v1", status: "Failure", reason, message, code });
    let text = "";
    for await (const chunk of req) text += String(chunk);
    if (req.headers.authorization !== `Bearer ${token}`) return failure(401, "Unauthorized", "Unauthorized");
    const match = /^\/api\/v1\/namespaces\/([^/]+)\/secrets(?:\/([^/]+))?$/.exec(req.url ?? "");
    if (match === null) return failure(404, "NotFound", "the server could not find the requested resource");
    const [, namespace = "", name = ""] = match;
    const object = (key: string, { data, resourceVersion }: StoredSecret): unknown => ({
      kind: "Secret",
      apiVersion: "v1",
      type: "Opaque",
      metadata: { namespace, name: key.split("/")[1], resourceVersion: String(resourceVersion) },
      data,
    });
    if (req.method === "GET") {
      const found = fake.secrets.get(`${namespace}/${name}`);
      if (found === undefined) return failure(404, "NotFound", `secrets "${name}" not found`);
      return answer(200, object(`${namespace}/${name}`, found));
    }
    fake.race?.();
    fake.race = undefined;
    const body: { metadata: { name: string; resourceVersion?: string }; data: Record<string, string> } =
      JSON.parse(text);
    const key = `${namespace}/${body.metadata.name}`;
    const there = fake.secrets.get(key);
    if (req.method === "POST" && there !== undefined) return failure(409, "AlreadyExists", "it already exists");
    if (req.method === "PUT" && there === undefined) return failure(404, "NotFound", "it is not there");
    if (req.method === "PUT" && String(there?.resourceVersion) !== body.metadata.resourceVersion)
      return failure(409, "Conflict", "the object has been modified");
    const stored = { data: body.data, resourceVersion: (versions += 1) };
    fake.secrets.set(key, stored);
    answer(req.method === "POST" ? 201 : 200, object(key, stored));
  };
  const server = createServer((req, res) => void handle(req, res));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  fake.address = `http://127.0.0.1:${address.port}`;
  return fake;
}
