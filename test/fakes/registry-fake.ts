// A small registry in memory that misbehaves on command. By hand: `node test/fakes/registry-fake.ts 5000`.
import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { handleToken, isAuthorized, type FakeAuth } from "./registry-fake-auth.ts";

/** What goes wrong, the next `times` times that a request fits. */
export interface Fault {
  readonly method: string;
  /** Tested against path and query. */
  readonly path: RegExp;
  times: number;
  readonly how:
    | {
        readonly type: "status";
        readonly status: number;
        readonly headers?: Record<string, string>;
        readonly body?: string;
      }
    /** Cuts the connection before any answer; the request is read first, and acted upon when `after`. */
    | { readonly type: "reset"; readonly after?: boolean }
    /** Sends so many bytes of the true answer and cuts the connection. */
    | { readonly type: "truncate"; readonly bytes: number }
    /** Sends the answer with its last byte changed. */
    | { readonly type: "corrupt" }
    /** Sends less than it has, and calls that all. */
    | { readonly type: "short"; readonly bytes: number };
}

export interface FakeRegistryOptions {
  readonly auth?: FakeAuth;
  /** Off: answers 404, as distribution v3 does. */
  readonly referrersApi?: boolean;
  /** Off: refuses PATCH. */
  readonly chunks?: boolean;
  readonly mounts?: boolean;
  /** Tags on a page. */
  readonly pageSize?: number;
  readonly port?: number;
}

export interface FakeRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage["headers"];
}

interface Repository {
  readonly blobs: Map<string, Buffer>;
  readonly manifests: Map<string, { readonly bytes: Buffer; readonly mediaType: string }>;
  readonly tags: Map<string, string>;
}

interface Manifest {
  readonly artifactType?: string;
  readonly config?: { readonly mediaType: string };
  readonly subject?: { readonly digest: string };
  readonly annotations?: Record<string, string>;
}

const DEFAULT_PAGE = 1000;

export class FakeRegistry {
  readonly requests: FakeRequest[] = [];
  readonly faults: Fault[] = [];
  readonly repositories = new Map<string, Repository>();
  readonly options: FakeRegistryOptions;
  readonly #uploads = new Map<string, Buffer>();
  readonly #server: Server;
  #uploadCount = 0;

  private constructor(options: FakeRegistryOptions) {
    this.options = options;
    this.#server = createServer((request, response) => {
      this.#handle(request, response).catch(() => response.destroy());
    });
  }

  static async start(options: FakeRegistryOptions = {}): Promise<FakeRegistry> {
    const registry = new FakeRegistry(options);
    await new Promise<void>((resolve) => registry.#server.listen(options.port ?? 0, "127.0.0.1", resolve));
    return registry;
  }

  /** `127.0.0.1:PORT` */
  get host(): string {
    return `127.0.0.1:${this.#address().port}`;
  }

  #address(): AddressInfo {
    const address = this.#server.address();
    if (address === null || typeof address === "string") throw new Error("the fake registry does not listen");
    return address;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  repository(name: string): Repository {
    const known = this.repositories.get(name);
    if (known !== undefined) return known;
    const made: Repository = { blobs: new Map(), manifests: new Map(), tags: new Map() };
    this.repositories.set(name, made);
    return made;
  }

  fail(method: string, path: RegExp, how: Fault["how"], times = 1): void {
    this.faults.push({ method, path, how, times });
  }

  #faultFor(request: IncomingMessage): Fault["how"] | undefined {
    const fault = this.faults.find(
      (one) => one.times > 0 && one.method === request.method && one.path.test(request.url ?? ""),
    );
    if (fault === undefined) return undefined;
    fault.times -= 1;
    return fault.how;
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.requests.push({ method: request.method ?? "", url: request.url ?? "", headers: request.headers });
    const url = new URL(request.url ?? "/", `http://${this.host}`);
    if (handleToken(this.options.auth, request, url, response)) return;
    const fault = this.#faultFor(request);
    if (fault?.type === "status") {
      request.resume();
      response.writeHead(fault.status, fault.headers ?? {}).end(fault.body ?? "");
      return;
    }
    const challenge = isAuthorized(this.options.auth, request, this.host);
    if (challenge !== undefined) {
      request.resume();
      response.writeHead(401, { "www-authenticate": challenge }).end('{"errors":[{"code":"UNAUTHORIZED"}]}');
      return;
    }
    const body: Buffer[] = [];
    for await (const chunk of request) body.push(chunk as Buffer);
    if (fault?.type === "reset" && fault.after !== true) return void request.socket.destroy();
    const answer = this.#answer(request.method ?? "GET", url, request.headers, Buffer.concat(body));
    if (fault?.type === "reset") return void request.socket.destroy();
    send(response, request.method === "HEAD", answer, fault);
  }

  #answer(method: string, url: URL, headers: IncomingMessage["headers"], body: Buffer): Answer {
    const path = url.pathname;
    if (path === "/v2/") return { status: 200 };
    const match = /^\/v2\/(.+?)\/(manifests|blobs\/uploads|blobs|tags|referrers)\/(.*)$/.exec(path);
    if (match === null) return notFound("NAME_UNKNOWN");
    const name = match[1]!;
    const last = match[3]!;
    const repository = this.repository(name);
    if (match[2] === "blobs/uploads") return this.#upload(method, name, last, url, headers, body);
    if (match[2] === "blobs") return blob(method, repository, last, headers);
    if (match[2] === "manifests") return this.#manifest(method, repository, last, headers, body);
    if (match[2] === "tags") return this.#tags(name, repository, url);
    return this.#referrers(repository, last);
  }

  #upload(
    method: string,
    name: string,
    id: string,
    url: URL,
    headers: IncomingMessage["headers"],
    body: Buffer,
  ): Answer {
    const location = (upload: string): string => `/v2/${name}/blobs/uploads/${upload}?state=a%2Bb`;
    const mount = url.searchParams.get("mount");
    if (method === "POST" && mount !== null && this.options.mounts !== false) {
      const found = this.repositories.get(url.searchParams.get("from") ?? "")?.blobs.get(mount);
      if (found !== undefined) {
        this.repository(name).blobs.set(mount, found);
        return { status: 201, headers: { location: `/v2/${name}/blobs/${mount}` } };
      }
    }
    if (method === "POST") {
      const made = `upload-${(this.#uploadCount += 1)}`;
      this.#uploads.set(made, Buffer.alloc(0));
      return { status: 202, headers: { location: location(made), range: "0-0" } };
    }
    const before = this.#uploads.get(id);
    if (before === undefined) return notFound("BLOB_UPLOAD_UNKNOWN");
    const range = { location: location(id), range: `0-${Math.max(0, before.length - 1)}` };
    if (method === "GET") return { status: 204, headers: range };
    if (method === "DELETE") return { status: this.#uploads.delete(id) ? 204 : 404 };
    if (method === "PATCH" && this.options.chunks === false) return { status: 405 };
    const start = headers["content-range"]?.split("-")[0];
    if (start !== undefined && Number(start) !== before.length) return { status: 416, headers: range };
    const after = Buffer.concat([before, body]);
    if (method === "PATCH") {
      this.#uploads.set(id, after);
      return { status: 202, headers: { location: location(id), range: `0-${after.length - 1}` } };
    }
    const digest = url.searchParams.get("digest") ?? "";
    this.#uploads.delete(id);
    if (digestOf(after, digest) !== digest) return { status: 400, body: '{"errors":[{"code":"DIGEST_INVALID"}]}' };
    this.repository(name).blobs.set(digest, after);
    return { status: 201, headers: { location: `/v2/${name}/blobs/${digest}` } };
  }

  #manifest(
    method: string,
    repository: Repository,
    ref: string,
    headers: IncomingMessage["headers"],
    body: Buffer,
  ): Answer {
    if (method === "PUT") {
      const digest = digestOf(body, ref.includes(":") ? ref : "sha256:");
      const parsed = JSON.parse(body.toString()) as Manifest;
      repository.manifests.set(digest, { bytes: body, mediaType: headers["content-type"] ?? "" });
      if (!ref.includes(":")) repository.tags.set(ref, digest);
      const subject = this.options.referrersApi === false ? undefined : parsed.subject?.digest;
      const more = subject === undefined ? {} : { "oci-subject": subject };
      return { status: 201, headers: { "docker-content-digest": digest, ...more } };
    }
    if (method === "DELETE") {
      return { status: (ref.includes(":") ? repository.manifests : repository.tags).delete(ref) ? 202 : 404 };
    }
    const digest = repository.tags.get(ref) ?? ref;
    const found = repository.manifests.get(digest);
    if (found === undefined) return notFound("MANIFEST_UNKNOWN");
    const own = { "content-type": found.mediaType, "docker-content-digest": digest };
    return { status: 200, headers: own, body: found.bytes };
  }

  #tags(name: string, repository: Repository, url: URL): Answer {
    const all = [...repository.tags.keys()].sort();
    const last = url.searchParams.get("last");
    const rest = last === null ? all : all.filter((tag) => tag > last);
    const page = rest.slice(0, this.options.pageSize ?? DEFAULT_PAGE);
    const link = page.length < rest.length ? { link: `</v2/${name}/tags/list?last=${page.at(-1)}>; rel="next"` } : {};
    return {
      status: 200,
      headers: { "content-type": "application/json", ...link },
      body: JSON.stringify({ name, tags: page }),
    };
  }

  #referrers(repository: Repository, subject: string): Answer {
    if (this.options.referrersApi === false) return notFound("NAME_UNKNOWN");
    const manifests = [...repository.manifests].flatMap(([digest, { bytes, mediaType }]) => {
      const parsed = JSON.parse(bytes.toString()) as Manifest;
      if (parsed.subject?.digest !== subject) return [];
      const artifactType = parsed.artifactType ?? parsed.config?.mediaType;
      return [{ mediaType, digest, size: bytes.length, artifactType, annotations: parsed.annotations }];
    });
    const index = { schemaVersion: 2, mediaType: "application/vnd.oci.image.index.v1+json", manifests };
    return { status: 200, headers: { "content-type": index.mediaType }, body: JSON.stringify(index) };
  }
}

interface Answer {
  readonly status: number;
  readonly headers?: Record<string, string>;
  readonly body?: Buffer | string;
}

function notFound(code: string): Answer {
  return { status: 404, body: JSON.stringify({ errors: [{ code, message: "not here" }] }) };
}

function blob(method: string, repository: Repository, digest: string, headers: IncomingMessage["headers"]): Answer {
  if (method === "DELETE") return { status: repository.blobs.delete(digest) ? 202 : 404 };
  const found = repository.blobs.get(digest);
  if (found === undefined) return notFound("BLOB_UNKNOWN");
  const range = /^bytes=(\d+)-(\d*)$/.exec(headers.range ?? "");
  if (range === null) return { status: 200, body: found };
  const start = Number(range[1]);
  const end = range[2] === "" ? found.length - 1 : Math.min(Number(range[2]), found.length - 1);
  if (start > end) return { status: 416 };
  const headersOut = { "content-range": `bytes ${start}-${end}/${found.length}` };
  return { status: 206, headers: headersOut, body: found.subarray(start, end + 1) };
}

function send(response: ServerResponse, isHead: boolean, answer: Answer, fault: Fault["how"] | undefined): void {
  let body = Buffer.from(answer.body ?? "");
  if (fault?.type === "corrupt") body[body.length - 1]! ^= 1;
  if (fault?.type === "short") body = body.subarray(0, fault.bytes);
  response.writeHead(answer.status, { ...answer.headers, "content-length": String(body.length) });
  if (isHead) response.end();
  else if (fault?.type === "truncate") response.write(body.subarray(0, fault.bytes), () => response.destroy());
  else response.end(body);
}

function digestOf(bytes: Buffer, like: string): string {
  const algorithm = like.startsWith("sha512:") ? "sha512" : "sha256";
  return `${algorithm}:${createHash(algorithm).update(bytes).digest("hex")}`;
}

if (import.meta.main) {
  const registry = await FakeRegistry.start({ port: Number(process.argv[2] ?? 5000) });
  process.stdout.write(`a fake registry listens on ${registry.host}\n`);
}
