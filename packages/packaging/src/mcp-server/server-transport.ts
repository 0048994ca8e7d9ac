// How a packed server is talked to: as its package in server.json says.
import type { Transport } from "./canonical-server.ts";
import type { ServerPackage } from "./server-json.schema.ts";

export function transportOf(from: ServerPackage | undefined): Transport {
  const { type, url } = from?.transport ?? {};
  if (type !== "streamable-http" && type !== "sse") return { type: "stdio" };
  try {
    const { port, pathname } = new URL(url ?? "");
    return { type, ...(port === "" ? {} : { port: Number(port) }), path: pathname };
  } catch {
    // Its address has variables in it.
    return { type };
  }
}
