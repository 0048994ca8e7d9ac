// Signed requests to one bucket: retried with back-off, failures coded, no secret in any of them.
import { isPratiqueError, readBounded, type Clock } from "@pratique/core";
import { AwsV4Signer } from "aws4fetch";
import { createHash } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { ociErrors } from "../errors.ts";
import {
  backoffMs,
  DEFAULT_RETRY,
  isTransientError,
  isTransientStatus,
  retryAfterMs,
  type RetryOptions,
} from "../remote/retry.ts";
import { Transport } from "../remote/transport.ts";
import { parseFailure, XML_LIMIT_BYTES } from "./s3-xml.ts";

const ERROR_LIMIT_BYTES = 64 * 1024;

export interface S3Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

export interface S3Place {
  readonly endpoint: URL;
  readonly bucket: string;
  readonly region: string;
  /** `endpoint/bucket/key` rather than `bucket.endpoint/key`. */
  readonly pathStyle: boolean;
  /** Where clients reach the same bucket, when that is elsewhere. */
  readonly publicEndpoint?: URL | undefined;
}

export interface S3RequestOptions {
  readonly method: string;
  readonly key: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: readonly Uint8Array[];
  /** Statuses that are an answer and no failure. */
  readonly expect: readonly number[];
}

export interface S3SenderOptions {
  readonly place: S3Place;
  /** Asked for each request, so that keys can be changed under a running process. */
  readonly credentials: () => Promise<S3Credentials>;
  readonly clock: Clock;
  readonly retry?: RetryOptions;
}

export class S3Sender {
  readonly #options: S3SenderOptions;
  readonly #retry: RetryOptions;
  readonly #transport = new Transport();
  /** Derived signing keys (a day each); the secret itself is part of the map's keys, so it stays in here. */
  readonly #signingKeys = new Map<string, ArrayBuffer>();

  constructor(options: S3SenderOptions) {
    this.#options = options;
    this.#retry = options.retry ?? DEFAULT_RETRY;
  }

  /** Identifies the bucket; no secret. */
  get name(): string {
    const { endpoint, bucket } = this.#options.place;
    return `${endpoint.host}/${bucket}`;
  }

  get bucket(): string {
    return this.#options.place.bucket;
  }

  /** Resolves with an expected answer, whose body the caller reads or drops. @throws `oci.storage-*` */
  async send(request: S3RequestOptions): Promise<IncomingMessage> {
    for (let attempt = 0; ; attempt += 1) {
      const isLast = attempt + 1 >= this.#retry.attempts;
      const answer = await this.#sendOnce(request).catch((error: unknown) => {
        if (!isLast && isTransientError(error)) return undefined;
        throw this.#unreachable(error);
      });
      const status = answer?.statusCode ?? 0;
      if (answer !== undefined && request.expect.includes(status)) return answer;
      if (answer !== undefined && (isLast || !isTransientStatus(status))) throw await this.#failed(request, answer);
      const wish = retryAfterMs(answer?.headers["retry-after"], this.#options.clock);
      answer?.resume();
      await this.#retry.sleep(backoffMs(attempt, wish, this.#retry));
    }
  }

  /** The same, for answers that are small and wanted whole. */
  async exchange(request: S3RequestOptions, limitBytes = XML_LIMIT_BYTES): Promise<S3Answer> {
    for (let attempt = 0; ; attempt += 1) {
      const answer = await this.send(request);
      const status = answer.statusCode ?? 0;
      try {
        // What is said instead of the content may be longer than that.
        const limit = status < 300 ? limitBytes : Math.max(limitBytes, ERROR_LIMIT_BYTES);
        return { status, headers: answer.headers, body: await readBounded(answer, limit, "the storage's answer") };
      } catch (error) {
        answer.destroy();
        if (isPratiqueError(error, "input.too-large")) {
          const what = `${request.method} ${request.key} at ${this.name}`;
          throw ociErrors("oci.storage-failed", { what, reason: "the answer is too large" }, { cause: error });
        }
        if (attempt + 1 >= this.#retry.attempts || !isTransientError(error)) throw this.#unreachable(error);
      }
    }
  }

  async #sendOnce({ method, key, query, headers = {}, body }: S3RequestOptions): Promise<IncomingMessage> {
    const { place, credentials, clock } = this.#options;
    const url = objectUrl(place.endpoint, place, key);
    for (const [name, value] of Object.entries(query ?? {})) url.searchParams.set(name, value);
    const signer = new AwsV4Signer({
      ...(await credentials()),
      method,
      url: url.href,
      headers: { ...headers, "x-amz-content-sha256": hashOf(body ?? []) },
      service: "s3",
      region: place.region,
      cache: this.#keys(),
      datetime: compact(clock.now()),
    });
    const signed = await signer.sign();
    // An empty body has a length as well: some servers want to see it.
    const sent = body ?? (method === "PUT" || method === "POST" ? [] : undefined);
    return this.#transport.send({ method, url: signed.url, headers: Object.fromEntries(signed.headers), body: sent });
  }

  /** A GET of one object, signed for a few seconds: whoever holds the address needs nothing else. */
  async presign(key: string, expiresSeconds: number, query: Readonly<Record<string, string>>): Promise<URL> {
    const { place, credentials, clock } = this.#options;
    const url = objectUrl(place.publicEndpoint ?? place.endpoint, place, key);
    for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
    url.searchParams.set("X-Amz-Expires", String(expiresSeconds));
    const signer = new AwsV4Signer({
      ...(await credentials()),
      method: "GET",
      url: url.href,
      service: "s3",
      region: place.region,
      cache: this.#keys(),
      datetime: compact(clock.now()),
      signQuery: true,
    });
    return (await signer.sign()).url;
  }

  #keys(): Map<string, ArrayBuffer> {
    if (this.#signingKeys.size > 8) this.#signingKeys.clear();
    return this.#signingKeys;
  }

  close(): void {
    this.#transport.close();
  }

  #unreachable(cause: unknown): Error {
    const reason = cause instanceof Error ? cause.message.slice(0, 160) : "no answer";
    return ociErrors("oci.storage-unreachable", { storage: this.name, reason }, { cause });
  }

  async #failed({ method, key }: S3RequestOptions, answer: IncomingMessage): Promise<Error> {
    const status = answer.statusCode ?? 0;
    const body = await readBounded(answer, ERROR_LIMIT_BYTES).catch(() => Buffer.alloc(0));
    return storageFailure(this.name, `${method} ${key}`, status, parseFailure(body));
  }
}

export interface S3Answer {
  readonly status: number;
  readonly headers: IncomingMessage["headers"];
  readonly body: Buffer;
}

/** The coded form of an answer that says no. */
export function storageFailure(
  storage: string,
  what: string,
  status: number,
  failure: { readonly code: string; readonly message: string } | undefined,
): Error {
  const reason = failure === undefined ? `status ${status}` : `${failure.code}: ${failure.message}`;
  if (failure?.code === "NoSuchBucket") return ociErrors("oci.storage-missing", { storage });
  if (status === 401 || status === 403) return ociErrors("oci.storage-denied", { storage, what, reason });
  if (status === 507 || failure?.code === "QuotaExceeded") return ociErrors("oci.storage-full");
  return ociErrors("oci.storage-failed", { what: `${what} at ${storage}`, reason });
}

function objectUrl(endpoint: URL, { bucket, pathStyle }: S3Place, key: string): URL {
  const url = new URL(endpoint);
  const path = key.split("/").map(encodeURIComponent).join("/");
  const base = url.pathname.endsWith("/") ? url.pathname : `${url.pathname}/`;
  if (pathStyle) url.pathname = `${base}${bucket}/${path}`;
  else {
    url.host = `${bucket}.${url.host}`;
    url.pathname = base + path;
  }
  return url;
}

function hashOf(body: readonly Uint8Array[]): string {
  const hash = createHash("sha256");
  for (const chunk of body) hash.update(chunk);
  return hash.digest("hex");
}

/** `20260101T000000Z`. */
function compact(time: Date): string {
  return time.toISOString().replace(/[:-]|\.\d{3}/g, "");
}
