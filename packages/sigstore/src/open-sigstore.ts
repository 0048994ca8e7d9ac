// Opens a Sigstore. What it is made of is loaded then and not before: most daemons are none.
import type { IncomingMessage, ServerResponse } from "node:http";
import type { EndpointCaller } from "./endpoints.ts";
import { AnonymousPace } from "./anonymous-pace.ts";
import type { Sigstore, SigstoreOptions } from "./sigstore.ts";

export interface OpenedSigstore {
  readonly sigstore: Sigstore;
  /** Answers a request below its prefix, errors included. */
  handle(req: IncomingMessage, res: ServerResponse, caller: EndpointCaller): Promise<void>;
}

/** @throws `sigstore.bad-key`, `sigstore.bad-certificate`, `sigstore.bad-issuer`, `audit.corrupt`, `audit.wrong-key` */
export async function openSigstore(options: SigstoreOptions): Promise<OpenedSigstore> {
  const [own, endpoints] = await Promise.all([import("./sigstore.ts"), import("./endpoints.ts")]);
  const sigstore = await own.Sigstore.open(options);
  const serving = { sigstore, log: options.log, pace: new AnonymousPace(options.clock) };
  return { sigstore, handle: (req, res, caller) => endpoints.serveSigstore(serving, req, res, caller) };
}
