// A cluster's webhooks, as `pratique connect kubernetes` writes them, ask the daemon over TLS; packs change the answer.
import { execFile } from "node:child_process";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { request } from "node:https";
import { createServer } from "node:net";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { EXAMPLES, pratique, startDaemon, temporaryHome, type Daemon } from "../support/program.ts";

const TOKEN = "a-token-of-the-api-server-0123456789";
const SKILL = "team/harbour-notes:1.0.0";

let place: Awaited<ReturnType<typeof temporaryHome>>;
let daemon: Daemon;
let port: number;
let tls: { ca: string; cert: string; key: string; strangerCert: string; strangerKey: string };

async function openssl(directory: string, ...args: string[]): Promise<void> {
  await promisify(execFile)("openssl", args, { cwd: directory });
}

/** An authority, a certificate of the daemon and one of the API server by it, and one of a stranger by itself. */
async function certificates(directory: string): Promise<typeof tls> {
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
  const self = (name: string): Promise<void> =>
    openssl(
      directory,
      "req",
      "-x509",
      ...key,
      "-keyout",
      `${name}.key`,
      "-out",
      `${name}.pem`,
      "-days",
      "2",
      "-subj",
      `/CN=${name}`,
    );
  const by = ["-x509", "-CA", "ca.pem", "-CAkey", "ca.key", "-days", "2"];
  await self("ca");
  await self("stranger");
  await openssl(
    directory,
    "req",
    ...by,
    ...key,
    "-keyout",
    "tls.key",
    "-out",
    "tls.pem",
    "-subj",
    "/CN=pratique",
    "-addext",
    "subjectAltName=IP:127.0.0.1",
  );
  await openssl(
    directory,
    "req",
    ...by,
    ...key,
    "-keyout",
    "api.key",
    "-out",
    "api.pem",
    "-subj",
    "/CN=kube-apiserver",
  );
  const read = (name: string): Promise<string> => readFile(join(directory, name), "utf8");
  return {
    ca: await read("ca.pem"),
    cert: await read("api.pem"),
    key: await read("api.key"),
    strangerCert: await read("stranger.pem"),
    strangerKey: await read("stranger.key"),
  };
}

function freePort(): Promise<number> {
  return new Promise((done) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => done(typeof address === "object" ? (address?.port ?? 0) : 0));
    });
  });
}

interface Answer {
  readonly status: number;
  readonly response?: {
    readonly uid: string;
    readonly allowed: boolean;
    readonly patch?: string;
    readonly status?: { readonly message: string };
  };
}

interface Call {
  readonly path?: string;
  readonly token?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly body?: string;
}

function call({ path = "/admission/v1/review", token, cert, key, body = review() }: Call): Promise<Answer> {
  return new Promise((done, fail) => {
    const client = cert === undefined ? {} : { cert, key };
    const headers = {
      "content-type": "application/json",
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    };
    const req = request(
      `https://127.0.0.1:${port}${path}?timeout=10s`,
      { method: "POST", ca: tls.ca, ...client, headers, agent: false },
      (res) => {
        let text = "";
        res.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
        res.on("end", () => {
          const json: { response?: Answer["response"] } = JSON.parse(text || "{}");
          done({ status: res.statusCode ?? 0, ...(json.response === undefined ? {} : { response: json.response }) });
        });
      },
    );
    req.once("error", fail).end(body);
  });
}

function review(image = `registry.company/${SKILL}`): string {
  return JSON.stringify({
    kind: "AdmissionReview",
    apiVersion: "admission.k8s.io/v1",
    request: {
      uid: "705ab4f5-6393-11e8-b7cc-42010a800002",
      kind: { group: "", version: "v1", kind: "Pod" },
      resource: { group: "", version: "v1", resource: "pods" },
      namespace: "shop",
      operation: "CREATE",
      userInfo: { username: "kubernetes-admin" },
      object: {
        kind: "Pod",
        apiVersion: "v1",
        metadata: { name: "web" },
        spec: { containers: [], volumes: [{ name: "notes", image: { reference: image } }] },
      },
      oldObject: null,
      dryRun: false,
    },
  });
}

beforeAll(async () => {
  place = await temporaryHome();
  tls = await certificates(place.home);
  port = await freePort();
  await writeFile(join(place.home, "webhook-token"), TOKEN, { mode: 0o600 });
  await writeFile(
    join(place.home, "pratique.yaml"),
    [
      "# admission of our cluster",
      "admission:",
      `  listen: 127.0.0.1:${port}`,
      "  tls: { certificate: tls.pem, key: tls.key }",
      "  clientAuthority: ca.pem",
      "  clientNames: [kube-apiserver]",
      "  tokenFile: webhook-token",
      "  registries: [registry.company]",
      "",
    ].join("\n"),
  );
  daemon = await startDaemon(place.home);
  await daemon.client.pack({ directory: join(EXAMPLES, "skill", "harbour-notes"), reference: SKILL });
  await daemon.client.sign(SKILL);
  await daemon.client.clear(SKILL);
}, 60_000);
afterAll(async () => {
  await daemon?.stop();
  await place?.remove();
});

describe("the address for an API server", () => {
  it("knows its certificate, or its token, and nobody else", async () => {
    const { cert, key, strangerCert, strangerKey } = tls;
    expect(await call({ cert, key })).toMatchObject({ status: 200, response: { allowed: true } });
    expect(await call({ token: TOKEN })).toMatchObject({ status: 200, response: { allowed: true } });
    const strangers: Call[] = [
      {},
      { token: `${TOKEN}x` },
      { token: daemon.token },
      { cert: strangerCert, key: strangerKey },
    ];
    for (const stranger of strangers) expect(await call(stranger)).toEqual({ status: 401 });
  });

  it("serves nothing but admission", async () => {
    for (const path of ["/control/v1/status", "/v2/", "/admission/v1/", "/admission/v1/other"]) {
      expect(await call({ token: TOKEN, path })).toMatchObject({ status: 404 });
    }
    expect(await call({ token: TOKEN, body: "{" })).toMatchObject({ status: 400 });
    expect(
      await call({ token: TOKEN, body: '{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1beta1"}' }),
    ).toMatchObject({ status: 400 });
  });
});

it("answers where the webhook configurations say, pinned by one and as it stands by the other", async () => {
  const printed = await pratique(
    ["connect", "kubernetes", "--url", `https://127.0.0.1:${port}`, "--ca", join(place.home, "ca.pem")],
    { home: place.home, env: { PRATIQUE_URL: daemon.url } },
  );
  const { items } = printed.json<{
    items: {
      kind: string;
      webhooks: { failurePolicy: string; sideEffects: string; clientConfig: { url: string; caBundle: string } }[];
    }[];
  }>();
  expect(items.map(({ kind, webhooks: [webhook] }) => [kind, webhook?.failurePolicy, webhook?.sideEffects])).toEqual([
    ["MutatingWebhookConfiguration", "Fail", "NoneOnDryRun"],
    ["ValidatingWebhookConfiguration", "Fail", "NoneOnDryRun"],
  ]);
  const [mutating = "", validating = ""] = items.map(
    ({ webhooks: [webhook] }) => new URL(webhook?.clientConfig.url ?? "").pathname,
  );
  const pinning = await call({ token: TOKEN, path: mutating });
  const patch = JSON.parse(Buffer.from(pinning.response?.patch ?? "", "base64").toString()) as {
    op: string;
    value: string;
  }[];
  const pinned = patch.find(({ op }) => op === "replace")?.value ?? "";
  expect(pinned).toMatch(/^registry\.company\/team\/harbour-notes:1\.0\.0@sha256:[0-9a-f]{64}$/);
  expect(await call({ token: TOKEN, path: validating })).toMatchObject({ response: { allowed: false } });
  expect(await call({ token: TOKEN, path: validating, body: review(pinned) })).toMatchObject({
    response: { allowed: true },
  });
});

it("denies what a pack forbids from the moment that it is in force, after a simulation that said so", async () => {
  const pack = join(place.home, "no-notes");
  await mkdir(pack);
  const policy =
    '@id("no-notes")\n@reason("Nothing of that team.")\nforbid (principal, action in [Pratique::Action::"artifact:clear"], resource)\nwhen { resource.repository like "team/*" };\n';
  await writeFile(join(pack, "no-notes.cedar"), policy);
  const options = { home: place.home, env: { PRATIQUE_URL: daemon.url } };
  const simulated = await pratique(["policy", "simulate", "--pack", pack], options);
  expect([simulated.code, simulated.stdout]).toEqual([3, expect.stringContaining("no-notes")]);
  expect(simulated.stdout).toContain("1 lose their clearance");
  expect(await call({ token: TOKEN })).toMatchObject({ response: { allowed: true } });
  expect((await pratique(["policy", "add", pack], options)).code).toBe(0);
  const denied = await call({ token: TOKEN });
  expect(denied.response?.status?.message).toContain("clearance.required");
  expect(await readFile(join(place.home, "pratique.yaml"), "utf8")).toMatch(
    /^# admission of our cluster\n[^]*no-notes\n/,
  );
  expect((await pratique(["policy", "simulate"], options)).code).toBe(0);
  expect((await pratique(["policy", "remove", "no-notes"], options)).code).toBe(0);
  await daemon.client.clear(SKILL);
  expect(await call({ token: TOKEN })).toMatchObject({ response: { allowed: true } });
}, 60_000);

it("takes a pack from the registry only when it is signed, pins it, and has it after a restart", async () => {
  const packed = await daemon.client.pack({
    directory: join(import.meta.dirname, "..", "..", "policies", "packs", "licences"),
    reference: "team/licences:1",
  });
  await expect(daemon.client.addPolicyPack("team/licences:1")).rejects.toMatchObject({
    code: "policy.pack-not-trusted",
  });
  await daemon.client.sign("team/licences:1");
  const added = await daemon.client.addPolicyPack("team/licences:1");
  expect(added.pack).toMatchObject({ name: "licences", inForce: true, policies: ["licences.forbidden"] });
  expect(await readFile(join(place.home, "pratique.yaml"), "utf8")).toContain(`team/licences@${packed.digest}`);
  await daemon.kill();
  daemon = await startDaemon(place.home);
  expect((await daemon.client.checkPolicy({})).digest).toBe(added.policyDigest);
}, 60_000);
