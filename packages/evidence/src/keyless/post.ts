// One POST to a service of a Sigstore: bounded in size and time, its refusal told in its own words.
import { readBounded } from "@pratique/core";
import { keylessErrors } from "./errors.ts";

const LIMIT_BYTES = 256 * 1024;
const TIMEOUT_MS = 30_000;
/** A JSON web token, or the beginning of one: `eyJ` is the base64 of `{"`. */
const TOKEN = /eyJ[\w-]{8,}(?:\.[\w-]*){0,2}/g;

export interface PostOptions {
  /** What it is called in errors. */
  readonly service: string;
  readonly url: string;
  readonly type: string;
  readonly body: Uint8Array | string;
  readonly signal?: AbortSignal | undefined;
}

/** @throws `keyless.unreachable`, `keyless.refused` */
export async function post({ service, url, type, body, signal }: PostOptions): Promise<Buffer> {
  const timeout = AbortSignal.timeout(TIMEOUT_MS);
  let status: number;
  let answer: Buffer;
  try {
    const response = await fetch(url, {
      method: "POST",
      // A redirect would carry the identity token to whoever it names.
      redirect: "error",
      headers: { "content-type": type, accept: "*/*" },
      body: typeof body === "string" ? body : new Uint8Array(body),
      signal: signal === undefined ? timeout : AbortSignal.any([signal, timeout]),
    });
    status = response.status;
    answer =
      response.body === null
        ? Buffer.alloc(0)
        : await readBounded(response.body, LIMIT_BYTES, `the answer of ${service}`);
  } catch (cause) {
    signal?.throwIfAborted();
    const reason = cause instanceof Error && cause.cause instanceof Error ? cause.cause.message : String(cause);
    throw keylessErrors("keyless.unreachable", { service: `${service} at ${url}`, reason }, { cause });
  }
  if (status === 200 || status === 201) return answer;
  throw keylessErrors("keyless.refused", {
    service: `${service} at ${url}`,
    reason: `${status}: ${messageIn(answer)}`,
  });
}

/** gRPC's JSON form has a message; anything else is shortened. */
function messageIn(answer: Buffer): string {
  const text = answer.toString("utf8").slice(0, 2000);
  const message = /"message"\s*:\s*"((?:[^"\\]|\\.){1,1000})"/.exec(text)?.[1] ?? text;
  return (
    message
      .replaceAll(/\p{Cc}+/gu, " ")
      // Some services quote what they refuse: an identity token goes into no error.
      .replaceAll(TOKEN, "[token]")
      .trim()
      .slice(0, 500)
  );
}
