// One HTTP exchange with the daemon. `node:http` is taken through getBuiltinModule: importing it as ESM costs 60 ms.
import type { ClientRequest, IncomingMessage } from "node:http";
import { PratiqueError, readBounded } from "@pratique/core";
import { clientErrors } from "./errors.ts";

const ANSWER_LIMIT_BYTES = 64 * 1024 * 1024;

export interface Endpoint {
  /** `http://host:port`. */
  readonly url: string;
  readonly token: string | undefined;
}

export interface Call {
  readonly method: "GET" | "POST" | "DELETE";
  /** Path and query under `/control/v1`. */
  readonly path: string;
  readonly body?: unknown;
  readonly signal?: AbortSignal | undefined;
}

/** Sends a call and hands back the open answer of a success. @throws the daemon's problem as PratiqueError, `daemon.unreachable`, `daemon.connection-lost` */
export async function send(endpoint: Endpoint, call: Call): Promise<IncomingMessage> {
  const url = new URL(`/control/v1${call.path}`, endpoint.url);
  const { request } = process.getBuiltinModule(url.protocol === "https:" ? "node:https" : "node:http");
  const payload = call.body === undefined ? undefined : Buffer.from(JSON.stringify(call.body));
  const answer = await new Promise<IncomingMessage>((resolve, reject) => {
    const outgoing: ClientRequest = request(url, {
      method: call.method,
      agent: false,
      ...(call.signal === undefined ? {} : { signal: call.signal }),
      headers: {
        accept: "application/json",
        ...(endpoint.token === undefined ? {} : { authorization: `Bearer ${endpoint.token}` }),
        ...(payload === undefined ? {} : { "content-type": "application/json", "content-length": payload.length }),
      },
    });
    outgoing.on("response", resolve);
    outgoing.on("error", (cause: NodeJS.ErrnoException) => {
      if (call.signal?.aborted === true) return reject(cause);
      // Whoever was there and left may have done what was asked: that is not to be told as "nobody there".
      const code = cause.code === "ECONNRESET" ? "daemon.connection-lost" : "daemon.unreachable";
      reject(clientErrors(code, { url: endpoint.url }, { cause }));
    });
    outgoing.end(payload);
  });
  const status = answer.statusCode ?? 0;
  if (status >= 200 && status < 300) return answer;
  throw problemOf(endpoint, status, (await readAll(endpoint, answer)).toString("utf8"));
}

/** Sends a call and parses the JSON answer, which the daemon made from a checked value. */
export async function call<T>(endpoint: Endpoint, what: Call): Promise<T> {
  const bytes = await readAll(endpoint, await send(endpoint, what));
  try {
    return JSON.parse(bytes.toString("utf8")) as T;
  } catch (cause) {
    throw clientErrors("daemon.bad-answer", { url: endpoint.url }, { cause });
  }
}

/** Sends a call and yields each line of the NDJSON answer. */
export async function* stream<T>(endpoint: Endpoint, what: Call): AsyncGenerator<T> {
  const answer = await send(endpoint, what);
  let rest = "";
  answer.setEncoding("utf8");
  try {
    for await (const chunk of answer as AsyncIterable<string>) {
      const lines = (rest + chunk).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) if (line !== "") yield JSON.parse(line) as T;
    }
  } catch (cause) {
    if (what.signal?.aborted === true) throw cause;
    throw clientErrors("daemon.connection-lost", { url: endpoint.url }, { cause });
  }
}

async function readAll(endpoint: Endpoint, answer: IncomingMessage): Promise<Buffer> {
  try {
    return await readBounded(answer, ANSWER_LIMIT_BYTES, "the daemon's answer");
  } catch (cause) {
    if (cause instanceof PratiqueError) throw cause;
    throw clientErrors("daemon.connection-lost", { url: endpoint.url }, { cause });
  }
}

function problemOf(endpoint: Endpoint, status: number, text: string): PratiqueError {
  try {
    const problem = JSON.parse(text) as { code?: unknown; title?: unknown; hint?: unknown };
    // Another registry may want other credentials: that is no word about the daemon's token.
    const isAboutToken = problem.code === "control.unauthorized";
    if (!isAboutToken && typeof problem.code === "string" && typeof problem.title === "string") {
      return new PratiqueError({
        code: problem.code,
        message: problem.title,
        hint: typeof problem.hint === "string" ? problem.hint : undefined,
        status,
      });
    }
  } catch {
    // Not ours: said below.
  }
  if (status === 401) return clientErrors("daemon.token-refused", { url: endpoint.url });
  if (status === 503 && text === "starting\n") return clientErrors("daemon.starting", { url: endpoint.url });
  return clientErrors("daemon.bad-answer", { url: endpoint.url });
}
