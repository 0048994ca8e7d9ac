// One request to a service that keeps secrets: JSON both ways, bounded in size and time, redirects not followed.
import { request as httpRequest, type OutgoingHttpHeaders } from "node:http";
import { request as httpsRequest } from "node:https";
import { isJsonObject, readBounded, type Json } from "@pratique/core";

export interface JsonRequest {
  readonly url: URL;
  readonly method: "GET" | "POST" | "PUT";
  readonly headers: OutgoingHttpHeaders;
  readonly body?: Json;
  /** PEM of the authority that signed the server's certificate, instead of the system's. */
  readonly ca?: string | undefined;
}

export interface JsonAnswer {
  readonly status: number;
  /** Null when it was no JSON: a proxy's page, or nothing. */
  readonly body: Json;
}

const ANSWER_LIMIT_BYTES = 2 * 1024 * 1024;
const TIMEOUT_MS = 15_000;
const LOOPBACK = new Set(["127.0.0.1", "localhost", "[::1]"]);

/** @throws Error that says why there is no answer */
export async function askJson({ url, method, headers, body, ca }: JsonRequest): Promise<JsonAnswer> {
  const content = body === undefined ? undefined : Buffer.from(JSON.stringify(body));
  const typed = content === undefined ? {} : { "content-type": "application/json", "content-length": content.length };
  const request = url.protocol === "https:" ? httpsRequest : httpRequest;
  return await new Promise((resolve, reject) => {
    const signal = AbortSignal.timeout(TIMEOUT_MS);
    const options = { method, headers: { ...typed, ...headers }, signal, ...(ca === undefined ? {} : { ca }) };
    const asked = request(url, options, (response) => {
      readBounded(response, ANSWER_LIMIT_BYTES, "the answer").then(
        (bytes) => resolve({ status: response.statusCode ?? 0, body: jsonOf(bytes) }),
        (cause: unknown) => reject(new Error("its answer cannot be read", { cause })),
      );
    });
    asked.once("error", (cause) => reject(new Error(signal.aborted ? "no answer in time" : cause.message, { cause })));
    asked.end(content);
  });
}

/** An address that a credential may be sent to: https, or http on this machine; undefined for others. */
export function safeAddress(address: string): URL | undefined {
  const url = URL.parse(address);
  if (url === null || url.username !== "" || url.password !== "") return undefined;
  return url.protocol === "https:" || (url.protocol === "http:" && LOOPBACK.has(url.hostname)) ? url : undefined;
}

/** What the service says went wrong: Vault's `errors`, Kubernetes' `message`; short, and nothing that does not print. */
export function problemIn({ status, body }: JsonAnswer): string {
  const said = isJsonObject(body) ? body : {};
  const errors = Array.isArray(said["errors"]) ? said["errors"] : [said["message"]];
  const text = errors.filter((error: unknown) => typeof error === "string").join("; ");
  const printable = text.replace(/[^\x20-\x7e]+/g, " ").slice(0, 200);
  return printable.trim() === "" ? `status ${status}` : printable;
}

function jsonOf(bytes: Buffer): Json {
  try {
    return JSON.parse(bytes.toString("utf8"));
  } catch {
    return null;
  } finally {
    bytes.fill(0);
  }
}
