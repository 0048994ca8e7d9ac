// Attaches to a container over a hijacked connection (Docker Engine API, POST /containers/{id}/attach). Done here and
// not by dockerode, which sends its options as the request's body: those bytes would reach the container's stdin.
import { request } from "node:http";
import type { Socket } from "node:net";
import type { EngineAddress } from "./engine-connection.ts";

/** Stdin goes in as it is, and ends when the stream is ended; stdout and stderr come out multiplexed. */
export async function attach(address: EngineAddress, id: string, signal: AbortSignal): Promise<Socket> {
  return await new Promise((resolve, reject) => {
    const attaching = request({
      ...address,
      method: "POST",
      path: `/containers/${encodeURIComponent(id)}/attach?stream=1&stdin=1&stdout=1&stderr=1`,
      headers: { connection: "Upgrade", upgrade: "tcp", "content-length": "0" },
      agent: false,
      signal,
    });
    attaching.once("upgrade", (_response, socket, head) => {
      socket.setTimeout(0);
      if (head.length > 0) socket.unshift(head);
      resolve(socket as Socket);
    });
    attaching.once("response", (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (chunk: string) => (text = (text + chunk).slice(0, 1000)));
      response.once("end", () => reject(new Error(`the engine answered ${response.statusCode} to attach: ${text}`)));
    });
    attaching.once("error", reject);
    attaching.end();
  });
}
