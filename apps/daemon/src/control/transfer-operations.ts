// The control API's operations that move artifacts and tell of their progress.
import { TransferEvent, TransferOrder, type Principal } from "@pratique/contracts";
import type { Artifacts } from "../artifacts/artifacts.ts";
import type { ServerPacks } from "../artifacts/server-packs.ts";
import { watched, type TransferWatch } from "../artifacts/transfer-watch.ts";
import type { Transfers } from "../artifacts/transfers.ts";
import { stream, type Operation } from "./operation.ts";

export function transferOperations(transfers: Transfers, artifacts: Artifacts, servers: ServerPacks): Operation[] {
  return [
    stream("/transfers", "Move an artifact and tell how far it came", TransferOrder, TransferEvent, (request) =>
      move({ transfers, artifacts, servers }, request),
    ),
  ];
}

function move(
  { transfers, artifacts, servers }: { transfers: Transfers; artifacts: Artifacts; servers: ServerPacks },
  { principal, body, signal }: { principal: Principal; body: TransferOrder; signal: AbortSignal },
): AsyncIterable<TransferEvent> {
  return watched(async (watch) => {
    const onProgress: TransferWatch["blob"] = (blob, bytes, isMoved) => watch.blob(blob, bytes, isMoved);
    const onBytes = (bytes: number): void => watch.bytes(bytes);
    switch (body.type) {
      case "push":
        return { type: "moved", result: await transfers.push(principal, body.request, { onProgress, signal }) };
      case "pull":
        return { type: "moved", result: await transfers.pull(principal, body.request, { onProgress, signal }) };
      case "push-directory":
        return { type: "packed", result: await transfers.pushDirectory(principal, body.request, { onBytes, signal }) };
      case "pack-server": {
        const onStep = (text: string): void => watch.step(text);
        return { type: "packed", result: await servers.pack(principal, body.request, { onStep, onBytes, signal }) };
      }
      case "pack":
        return { type: "packed", result: await artifacts.pack(principal, body.request, { onBytes, signal }) };
    }
  });
}
