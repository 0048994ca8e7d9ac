// Downloads for the advisory database: bounded, conditional, and only ever to the place that was named.
import { createWriteStream } from "node:fs";
import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";
import { pipeline } from "node:stream/promises";

export interface DownloadOptions {
  readonly limitBytes: number;
  readonly etag?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

export type Download =
  | { readonly outcome: "fetched"; readonly etag?: string }
  | { readonly outcome: "unchanged" }
  | { readonly outcome: "missing" };

const IDLE_MS = 60_000;
const REDIRECTS = 5;

/** Connections to mirrors. */
export class Downloader {
  readonly #http: HttpAgent;
  readonly #https: HttpsAgent;

  /** `proxies`: HTTP_PROXY, HTTPS_PROXY and NO_PROXY, in either case. */
  constructor(proxies: Readonly<Record<string, string>> = {}) {
    const proxyEnv = Object.keys(proxies).length === 0 ? {} : { proxyEnv: { ...proxies } };
    this.#http = new HttpAgent({ keepAlive: true, maxSockets: 16, ...proxyEnv });
    this.#https = new HttpsAgent({ keepAlive: true, maxSockets: 16, ...proxyEnv });
  }

  /** Writes what is at `url` to `target`. @throws Error with a reason in one line */
  async download(url: URL, target: string, options: DownloadOptions): Promise<Download> {
    const answer = await this.#follow(url, options);
    const status = answer.statusCode ?? 0;
    if (status !== 200) answer.resume();
    if (status === 304) return { outcome: "unchanged" };
    // Object stores answer 403 for what is not there when listing is not allowed.
    if (status === 404 || status === 410) return { outcome: "missing" };
    if (status !== 200) throw new Error(`it answered ${status}`);
    if (Number(answer.headers["content-length"] ?? 0) > options.limitBytes) {
      answer.destroy();
      throw new Error(`it is larger than ${options.limitBytes} bytes`);
    }
    const into = createWriteStream(target, { mode: 0o600 });
    await pipeline(
      answer,
      bounded(options.limitBytes),
      into,
      options.signal === undefined ? {} : { signal: options.signal },
    );
    if (!answer.complete) throw new Error("it broke off");
    const { etag } = answer.headers;
    return { outcome: "fetched", ...(etag === undefined ? {} : { etag }) };
  }

  async #follow(url: URL, options: DownloadOptions): Promise<IncomingMessage> {
    let at = url;
    for (let count = 0; count <= REDIRECTS; count += 1) {
      const answer = await this.#ask(at, options);
      const { location } = answer.headers;
      const status = answer.statusCode ?? 0;
      if (status < 300 || status >= 400 || status === 304 || location === undefined) return answer;
      answer.resume();
      const next = new URL(location, at);
      if (next.protocol !== "https:" && !(next.protocol === "http:" && at.protocol === "http:")) {
        throw new Error("it redirects away from https");
      }
      at = next;
    }
    throw new Error("it redirects too often");
  }

  #ask(url: URL, { etag, signal }: DownloadOptions): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      const isPlain = url.protocol === "http:";
      const options = {
        agent: isPlain ? this.#http : this.#https,
        headers: { "user-agent": "pratique", ...(etag === undefined ? {} : { "if-none-match": etag }) },
        ...(signal === undefined ? {} : { signal }),
      };
      const call = isPlain ? httpRequest(url, options) : httpsRequest(url, options);
      call.setTimeout(IDLE_MS, () => call.destroy(new Error("it does not answer")));
      call.once("response", resolve);
      call.once("error", reject);
      call.end();
    });
  }

  close(): void {
    this.#http.destroy();
    this.#https.destroy();
  }
}

function bounded(limitBytes: number): (source: AsyncIterable<Buffer>) => AsyncGenerator<Buffer> {
  return async function* (source) {
    let size = 0;
    for await (const chunk of source) {
      size += chunk.length;
      if (size > limitBytes) throw new Error(`it is larger than ${limitBytes} bytes`);
      yield chunk;
    }
  };
}
