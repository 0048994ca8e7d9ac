// An interceptor behind an HTTP endpoint: one POST a message, bounded both ways, never redirected.
import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";
import { readBounded } from "@pratique/core";
import type { Transport } from "./interceptor.ts";

export interface HttpTransportOptions {
  readonly url: URL;
  readonly limitBytes: number;
  readonly ca?: readonly string[] | undefined;
  readonly token?: string | undefined;
}

const CONNECTIONS = 32;
const LOOPBACK = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/;

/** Plain HTTP is for this machine alone. */
export function isSafeAddress({ protocol, hostname, username, password }: URL): boolean {
  if (username !== "" || password !== "") return false;
  return protocol === "https:" || (protocol === "http:" && LOOPBACK.test(hostname));
}

export function httpTransport({ url, limitBytes, ca, token }: HttpTransportOptions): Transport {
  const isSecure = url.protocol === "https:";
  const pool = { keepAlive: true, maxSockets: CONNECTIONS };
  const agent = isSecure
    ? new HttpsAgent({ ...pool, ...(ca === undefined ? {} : { ca: [...ca] }) })
    : new HttpAgent(pool);
  const send = isSecure ? httpsRequest : httpRequest;
  return {
    ask: (question, signal) =>
      new Promise<string>((resolve, reject) => {
        const body = Buffer.from(question);
        const headers = {
          "content-type": "application/json",
          "content-length": body.length,
          accept: "application/json",
          ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        };
        const sent = send(url, { method: "POST", agent, headers, signal }, (response) => {
          readAnswer(response, limitBytes).then(resolve, reject);
        });
        sent.once("error", (error) => reject(signal.aborted ? new Error("it took too long") : reasonOf(error)));
        sent.end(body);
      }),
    async close() {
      agent.destroy();
    },
  };
}

async function readAnswer(response: IncomingMessage, limitBytes: number): Promise<string> {
  const { statusCode = 0 } = response;
  if (statusCode === 204) {
    response.resume();
    return "";
  }
  if (statusCode !== 200) {
    response.destroy();
    throw new Error(`it answered with status ${statusCode}`);
  }
  return (await readBounded(response, limitBytes, "its answer")).toString("utf8");
}

function reasonOf(error: Error): Error {
  const { code } = error as NodeJS.ErrnoException;
  return new Error(code === undefined ? error.message : `it cannot be reached (${code})`);
}
