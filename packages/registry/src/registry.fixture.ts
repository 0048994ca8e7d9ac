// A registry on a random port for tests: real store, guard and policies; records are kept in memory.
import type { AuditRecord, Principal, RecordBody } from "@pratique/contracts";
import { digestOf, silentLog, systemClock, type Digest } from "@pratique/core";
import { createGuard, type ActScope } from "@pratique/guard";
import { MEDIA_TYPES, openContentStore, type ContentStore, type StoreObserver } from "@pratique/oci";
import { loadPolicySet } from "@pratique/policy";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { createServer, request, type IncomingHttpHeaders, type OutgoingHttpHeaders } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Reserve } from "./exchange.ts";
import type { PullThrough } from "./proxy/pull-through.ts";
import { createRegistry, type RegistryOptions } from "./registry.ts";

const POLICIES = join(import.meta.dirname, "../../../policies");

const OWNER: Principal = { type: "User", id: "owner-1", name: "olga", groups: ["owner"] };
const WORKLOAD: Principal = {
  type: "Workload",
  id: "spiffe://pratique.local/run/1/agent/root",
  groups: [],
  actingFor: OWNER,
  run: "1",
};
const STRANGER: Principal = { type: "User", id: "user-2", name: "sven", groups: [] };
export const PRINCIPALS = { owner: OWNER, workload: WORKLOAD, stranger: STRANGER };
export type Who = keyof typeof PRINCIPALS;

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  readonly text: string;
}

export interface CallOptions {
  readonly as?: Who | "nobody";
  readonly headers?: OutgoingHttpHeaders;
  readonly body?: Uint8Array | string;
}

export interface TestRegistry {
  readonly port: number;
  readonly directory: string;
  readonly store: ContentStore;
  readonly records: RecordBody[];
  call(method: string, path: string, options?: CallOptions): Promise<Answer>;
  pushBlob(name: string, bytes: Uint8Array | string): Promise<Digest>;
  pushManifest(name: string, reference: string, manifest: object, as?: Who): Promise<Answer>;
  /** An image manifest whose config and layer are there. */
  image(name: string, more?: object): Promise<Record<string, unknown>>;
  stop(): Promise<void>;
}

export interface TestRegistryOptions {
  /** Cedar policies beside the default ones. */
  readonly policy?: string;
  readonly limits?: RegistryOptions["limits"];
  readonly observer?: StoreObserver;
  readonly reserve?: Reserve;
  readonly isImmutable?: RegistryOptions["isImmutable"];
  readonly acts?: ActScope;
  readonly onRecord?: (record: AuditRecord) => void;
  /** Puts upstreams behind it. */
  readonly pullThrough?: (store: ContentStore, directory: string) => Promise<PullThrough>;
}

export async function startRegistry(options: TestRegistryOptions = {}): Promise<TestRegistry> {
  const directory = await mkdtemp(join(tmpdir(), "pratique-registry-"));
  const store = await openContentStore(directory, {
    clock: systemClock,
    log: silentLog,
    ...(options.observer === undefined ? {} : { observer: options.observer }),
  });
  const records: RecordBody[] = [];
  const append = async (body: RecordBody): Promise<AuditRecord> => {
    records.push(body);
    const record: AuditRecord = {
      ...body,
      version: 1,
      id: `r${records.length}`,
      sequence: records.length - 1,
      time: "2026-01-01T00:00:00Z",
    };
    options.onRecord?.(record);
    return record;
  };
  const policies = await loadPolicies(options.policy);
  const guard = createGuard({
    policy: () => policies,
    audit: { append },
    clock: systemClock,
    log: silentLog,
    ...(options.acts === undefined ? {} : { acts: options.acts }),
  });
  const pullThrough = await options.pullThrough?.(store, directory);
  const registry = createRegistry({
    ...(pullThrough === undefined ? {} : { pullThrough }),
    store,
    guard,
    clock: systemClock,
    log: silentLog,
    host: "registry.test",
    ...(options.limits === undefined ? {} : { limits: options.limits }),
    ...(options.isImmutable === undefined ? {} : { isImmutable: options.isImmutable }),
    ...(options.reserve === undefined ? {} : { reserve: options.reserve }),
  });
  const server = createServer((req, res) => {
    const who = req.headers["x-test-as"];
    const principal = typeof who === "string" && who in PRINCIPALS ? PRINCIPALS[who as Who] : undefined;
    void registry.handle(req, res, { principal });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;

  const call: TestRegistry["call"] = (method, path, { as = "owner", headers = {}, body } = {}) =>
    new Promise((resolve, reject) => {
      const isStream = "Transfer-Encoding" in headers;
      const length = body === undefined || isStream ? {} : { "Content-Length": Buffer.byteLength(body) };
      const all = { ...length, ...headers, ...(as === "nobody" ? {} : { "X-Test-As": as }) };
      const outgoing = request({ port, host: "127.0.0.1", method, path, headers: all }, (incoming) => {
        const chunks: Buffer[] = [];
        incoming.on("data", (chunk: Buffer) => chunks.push(chunk));
        incoming.on("error", reject);
        incoming.on("end", () => {
          const bytes = Buffer.concat(chunks);
          const { statusCode: status = 0, headers } = incoming;
          resolve({ status, headers, body: bytes, text: bytes.toString() });
        });
      });
      outgoing.on("error", reject);
      outgoing.end(body);
    });

  const pushBlob: TestRegistry["pushBlob"] = async (name, bytes) => {
    const digest = digestOf(bytes);
    const { status, text } = await call("POST", `/v2/${name}/blobs/uploads/?digest=${digest}`, { body: bytes });
    if (status !== 201) throw new Error(`push of a blob: ${status} ${text}`);
    return digest;
  };
  return {
    port,
    directory,
    store,
    records,
    call,
    pushBlob,
    pushManifest(name, reference, manifest, as = "owner") {
      const type = "manifests" in manifest ? MEDIA_TYPES.imageIndex : MEDIA_TYPES.imageManifest;
      const body = JSON.stringify(manifest);
      return call("PUT", `/v2/${name}/manifests/${reference}`, { as, body, headers: { "Content-Type": type } });
    },
    async image(name, more = {}) {
      const describe = async (mediaType: string, bytes: string): Promise<object> => ({
        mediaType,
        digest: await pushBlob(name, bytes),
        size: Buffer.byteLength(bytes),
      });
      return {
        schemaVersion: 2,
        mediaType: MEDIA_TYPES.imageManifest,
        config: await describe(MEDIA_TYPES.imageConfig, "{}"),
        layers: [await describe(MEDIA_TYPES.layerTar, "layer of " + JSON.stringify(more))],
        ...more,
      };
    },
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await pullThrough?.close();
      await store.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

async function loadPolicies(more: string | undefined): Promise<ReturnType<typeof loadPolicySet>> {
  const names = (await readdir(POLICIES)).filter((name) => name.endsWith(".cedar"));
  const read = async (name: string): Promise<string> => readFile(join(POLICIES, name), "utf8");
  const files = Object.fromEntries(await Promise.all(names.map(async (name) => [name, await read(name)] as const)));
  const schema = await read("pratique.cedarschema");
  return loadPolicySet({ schema, files: more === undefined ? files : { ...files, "test.cedar": more } });
}

/** The code of an OCI error body. */
export function codeOf({ text }: Answer): unknown {
  const body: unknown = JSON.parse(text);
  if (typeof body !== "object" || body === null || !("errors" in body) || !Array.isArray(body.errors)) return undefined;
  const [first] = body.errors as unknown[];
  return typeof first === "object" && first !== null && "code" in first ? first.code : undefined;
}
