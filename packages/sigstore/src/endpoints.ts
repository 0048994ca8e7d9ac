// The HTTP face: Fulcio v2, Rekor v2, RFC 3161 and the two trust documents, below one prefix.
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Principal } from "@pratique/contracts";
import { describeError, isPratiqueError, parseJson, readBounded, type JsonObject, type Log } from "@pratique/core";
import { z } from "zod";
import type { AnonymousPace } from "./anonymous-pace.ts";
import { pemOf } from "./certificate.ts";
import { parseCertificateRequest } from "./certificate-request.ts";
import { sigstoreErrors } from "./errors.ts";
import type { Sigstore } from "./sigstore.ts";
import { parseTimestampRequest, timestampRequestOf, type TimestampRequest } from "./timestamp-authority.ts";
import { parseEntry } from "./transparency-log.ts";

const BODY_LIMIT_BYTES = 128 * 1024;

export interface EndpointCaller {
  /** The path below the prefix, e.g. `/api/v2/signingCert`. */
  readonly path: string;
  /** Who sent a token of this daemon's own; most clients send none. */
  readonly principal: Principal | undefined;
}

interface Answer {
  readonly status: number;
  readonly type: string;
  readonly body: Uint8Array;
  readonly cache?: string;
}

const FOREVER = "public, max-age=31536000, immutable";

export interface Serving {
  readonly sigstore: Sigstore;
  readonly log: Log;
  readonly pace: AnonymousPace;
}

/** What nobody has to say who he is for, and what is kept all the same. A certificate needs a token. */
const WRITES: ReadonlySet<string> = new Set(["/api/v2/log/entries", "/api/v1/timestamp"]);

/** Answers one request. Errors are answered too, in gRPC's JSON form, which is what clients of these APIs print. */
export async function serveSigstore(
  { sigstore, log, pace }: Serving,
  req: IncomingMessage,
  res: ServerResponse,
  caller: EndpointCaller,
): Promise<void> {
  let answer: Answer;
  try {
    if (req.method === "POST" && caller.principal === undefined && WRITES.has(caller.path)) {
      pace.take(req.socket.remoteAddress ?? "");
    }
    answer = await (req.method === "POST" ? post(sigstore, req, caller) : get(sigstore, req, caller.path));
  } catch (error) {
    answer = failure(error, log);
  }
  const { status, type, body, cache } = answer;
  res.writeHead(status, {
    "content-type": type,
    "content-length": body.byteLength,
    "cache-control": cache ?? "no-store",
    "x-content-type-options": "nosniff",
  });
  res.end(req.method === "HEAD" ? undefined : body);
}

async function post(sigstore: Sigstore, req: IncomingMessage, { path, principal }: EndpointCaller): Promise<Answer> {
  switch (path) {
    case "/api/v2/signingCert": {
      const { token, claim } = parseCertificateRequest(await readJson(req));
      const given = /^Bearer ([\w.~+/=-]+)$/i.exec(req.headers.authorization ?? "")?.[1] ?? token;
      if (given === undefined) {
        throw sigstoreErrors("sigstore.token-rejected", { reason: "there is none", audience: "sigstore" });
      }
      const { certificate } = await sigstore.certify(given, claim);
      const certificates = [certificate, sigstore.authorityCertificate].map(pemOf);
      // 200, not 201: cosign takes nothing else (reference §2.5).
      return json(200, { signedCertificateEmbeddedSct: { chain: { certificates } } });
    }
    case "/api/v2/log/entries":
      return json(201, await sigstore.record(parseEntry(await readJson(req)), principal));
    case "/api/v1/timestamp": {
      const { response } = await sigstore.timestamp(await readTimestampRequest(req), principal);
      return { status: 201, type: "application/timestamp-reply", body: response };
    }
    default:
      throw GETS.has(path) ? wrongMethod(path, "GET") : notFound(path);
  }
}

const GETS: ReadonlySet<string> = new Set([
  "/trusted_root.json",
  "/signing_config.json",
  "/api/v2/trustBundle",
  "/api/v2/configuration",
  "/api/v2/checkpoint",
  "/api/v1/timestamp/certchain",
]);
const POSTS: ReadonlySet<string> = new Set(["/api/v2/signingCert", "/api/v2/log/entries", "/api/v1/timestamp"]);

/** All of it is public: keys, certificates, hashes. */
async function get(sigstore: Sigstore, req: IncomingMessage, path: string): Promise<Answer> {
  if (req.method !== "GET" && req.method !== "HEAD") throw wrongMethod(path, "GET or POST");
  switch (path) {
    case "/trusted_root.json":
      return { status: 200, type: "application/json", body: sigstore.trustedRoot.bytes };
    case "/signing_config.json":
      return { status: 200, type: "application/json", body: sigstore.signingConfig.bytes };
    case "/api/v2/trustBundle":
      return json(200, { chains: [{ certificates: [pemOf(sigstore.authorityCertificate)] }] });
    case "/api/v2/configuration":
      return json(200, { issuers: sigstore.issuers.map(describeIssuer) });
    case "/api/v1/timestamp/certchain": {
      const body = Buffer.from(sigstore.timestampChain.map(pemOf).join(""));
      return { status: 200, type: "application/pem-certificate-chain", body };
    }
  }
  if (POSTS.has(path)) throw wrongMethod(path, "POST");
  const tile = /^\/(api\/v2|ct)\/(checkpoint|tile\/.{1,100})$/.exec(path);
  const bytes = tile === null ? undefined : await sigstore.tile(tile[1] === "ct" ? "ct" : "rekor", tile[2]!);
  if (bytes === undefined) throw notFound(path);
  if (path.endsWith("/checkpoint")) return { status: 200, type: "text/plain; charset=utf-8", body: bytes };
  return { status: 200, type: "application/octet-stream", body: bytes, cache: FOREVER };
}

function describeIssuer({ issuer, audience, subject }: Sigstore["issuers"][number]): JsonObject {
  return {
    issuerUrl: issuer,
    audience,
    challengeClaim: subject === "email" ? "email" : "sub",
    issuerType: `ISSUER_TYPE_${subject.toUpperCase()}`,
  };
}

async function readJson(req: IncomingMessage): Promise<unknown> {
  const bytes = await readBounded(req, BODY_LIMIT_BYTES, "the request");
  return parseJson(bytes.toString("utf8"), "the request");
}

/** sigstore-js sends JSON (timestamp-authority's OpenAPI), all others DER. */
const JsonTimestampRequest = z.looseObject({
  artifactHash: z.base64().min(1).max(128),
  hashAlgorithm: z.literal("sha256").optional(),
  nonce: z.int().nonnegative().optional(),
  certificates: z.boolean().optional(),
});

async function readTimestampRequest(req: IncomingMessage): Promise<TimestampRequest> {
  if (!(req.headers["content-type"] ?? "").startsWith("application/json")) {
    return parseTimestampRequest(await readBounded(req, BODY_LIMIT_BYTES, "the timestamp request"));
  }
  const parsed = JsonTimestampRequest.safeParse(await readJson(req));
  if (!parsed.success) {
    const { path, message } = parsed.error.issues[0]!;
    throw sigstoreErrors("sigstore.bad-request", { problem: `${path.join(".")}: ${message}` });
  }
  const { artifactHash, nonce, certificates } = parsed.data;
  return timestampRequestOf({
    digest: Buffer.from(artifactHash, "base64"),
    nonce: nonce === undefined ? undefined : BigInt(nonce),
    wantsCertificate: certificates ?? false,
  });
}

function json(status: number, content: JsonObject): Answer {
  return { status, type: "application/json", body: Buffer.from(JSON.stringify(content)) };
}

/** google.rpc.Code by HTTP status. */
const RPC_CODES: ReadonlyMap<number, number> = new Map([
  [400, 3],
  [401, 16],
  [403, 7],
  [404, 5],
  [405, 12],
  [413, 3],
  [429, 8],
  [503, 14],
  [507, 8],
]);

function failure(error: unknown, log: Log): Answer {
  if (!isPratiqueError(error) || error.status >= 500) log.error("the embedded Sigstore failed", describeError(error));
  const status = isPratiqueError(error) ? error.status : 500;
  const message = isPratiqueError(error) ? `${error.message} (${error.code}; ${error.hint})` : "internal error";
  return json(status, { code: RPC_CODES.get(status) ?? 13, message, details: [] });
}

function notFound(path: string): Error {
  return sigstoreErrors("sigstore.not-found", { path: path.slice(0, 200) });
}

function wrongMethod(path: string, method: string): Error {
  return sigstoreErrors("sigstore.wrong-method", { path: path.slice(0, 200), method });
}
