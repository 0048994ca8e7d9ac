// One POST to the address that the configuration names, and nowhere else: a redirect is an answer like any other.
import { request as requestHttp } from "node:http";
import { request as requestHttps } from "node:https";
import type { WebhookRequest } from "./webhook-request.ts";

export interface PostAnswer {
  readonly status: number;
  readonly retryAfter: string | undefined;
}

const ANSWER_LIMIT_BYTES = 64 * 1024;

/** @throws what the connection throws */
export function post(url: string, { headers, body }: WebhookRequest, signal: AbortSignal): Promise<PostAnswer> {
  const send = new URL(url).protocol === "https:" ? requestHttps : requestHttp;
  return new Promise((resolve, reject) => {
    const outgoing = send(url, { method: "POST", headers, agent: false, signal }, (answer) => {
      const { statusCode = 0, headers: answered } = answer;
      // Nothing of it is of use, and an answer without end must not hold us.
      let left = ANSWER_LIMIT_BYTES;
      answer.on("data", (chunk: Buffer) => {
        left -= chunk.length;
        if (left < 0) answer.destroy();
      });
      answer.on("error", () => undefined);
      resolve({ status: statusCode, retryAfter: answered["retry-after"] });
    });
    outgoing.on("error", reject);
    outgoing.end(body);
  });
}
