// One request on its way through the registry, and what all requests share.
import type { Principal } from "@pratique/contracts";
import type { Clock, Digest, Log } from "@pratique/core";
import type { Guard, GuardResource } from "@pratique/guard";
import type { ContentStore, Descriptor } from "@pratique/oci";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { BufferShelf } from "./buffer-shelf.ts";
import type { KnownActs } from "./known-acts.ts";
import type { PullThrough } from "./proxy/pull-through.ts";
import type { RepositoryLine } from "./repository-line.ts";
import type { Access } from "./token/scope.ts";
import type { SmallBlobs } from "./small-blobs.ts";

/** Bounds on what a client may cost. */
export interface RegistryLimits {
  /** A body that sends, or a client that takes, nothing for so long is given up. */
  readonly idleMs: number;
  readonly blobBytes: number;
}

/** True for a tag that the configuration says is neither moved nor deleted. */
export type IsImmutable = (repository: string, tag: string) => boolean;

/** With the digest that the upload is to have, where the request says so. */
export type Reserve = (repository: string, upload: string, sizeBytes: number, digest?: Digest) => void;

export interface RegistryParts {
  readonly store: ContentStore;
  readonly guard: Guard;
  readonly clock: Clock;
  readonly log: Log;
  /** Host (and port) under which policy knows this registry. */
  readonly host: string;
  readonly limits: RegistryLimits;
  readonly reserve: Reserve | undefined;
  readonly isImmutable: IsImmutable | undefined;
  /** Upstream registries, whose content lies in the same store. */
  readonly pullThrough: PullThrough | undefined;
  readonly shelf: BufferShelf;
  readonly line: RepositoryLine;
  readonly known: KnownActs;
  readonly small: SmallBlobs;
  evidence(repository: string, descriptor: Descriptor): Promise<GuardResource>;
}

export interface Exchange {
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
  readonly principal: Principal;
  readonly query: URLSearchParams;
  /** What the token that was sent is good for; undefined when it was a credential itself. */
  readonly access?: readonly Access[] | undefined;
}

/** In every answer. */
export const BASE_HEADERS = {
  "Docker-Distribution-API-Version": "registry/2.0",
  "X-Content-Type-Options": "nosniff",
} as const;

/** Sends a status with headers and no body. */
export function sendEmpty(res: ServerResponse, status: number, headers: Readonly<Record<string, string>> = {}): void {
  const length = status === 204 || status === 304 ? {} : { "Content-Length": "0" };
  res.writeHead(status, { ...BASE_HEADERS, ...length, ...headers });
  res.end();
}

/** Sends a body, or for HEAD only what describes it. */
export function sendBytes(
  { req, res }: Exchange,
  status: number,
  body: Uint8Array,
  headers: Readonly<Record<string, string>>,
): void {
  res.writeHead(status, { ...BASE_HEADERS, "Content-Length": String(body.byteLength), ...headers });
  if (req.method === "HEAD") res.end();
  // As text of one byte a character it goes out together with the head, in one piece.
  else if (body.byteLength <= ONE_PIECE_BYTES) res.end(latin1(body), "latin1");
  else res.end(body);
}

const ONE_PIECE_BYTES = 8 * 1024;

function latin1({ buffer, byteOffset, byteLength }: Uint8Array): string {
  return Buffer.from(buffer, byteOffset, byteLength).toString("latin1");
}
