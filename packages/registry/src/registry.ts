// The registry: everything under /v2/ (OCI distribution-spec 1.1), each act through guard.
import type { Principal } from "@pratique/contracts";
import { describeError, isJsonObject, isPratiqueError, type Clock, type Log } from "@pratique/core";
import type { Guard, GuardResource } from "@pratique/guard";
import type { ContentStore, Descriptor } from "@pratique/oci";
import type { IncomingMessage, ServerResponse } from "node:http";
import { repositoryResource, unprovenArtifact } from "./act.ts";
import { deleteBlob, getBlob, headBlob } from "./blob-download.ts";
import { appendChunk, cancelUpload, closeUpload, startUpload, uploadStatus } from "./blob-upload.ts";
import { BufferShelf } from "./buffer-shelf.ts";
import { rebuildBlob } from "./delta/rebuild-blob.ts";
import { registryErrors } from "./errors.ts";
import {
  BASE_HEADERS,
  sendEmpty,
  type Exchange,
  type IsImmutable,
  type RegistryLimits,
  type RegistryParts,
  type Reserve,
} from "./exchange.ts";
import { listExtensions } from "./extensions.ts";
import { deleteManifest } from "./manifest-delete.ts";
import { KnownActs } from "./known-acts.ts";
import { getManifest, headManifest } from "./manifest-download.ts";
import { putManifest } from "./manifest-upload.ts";
import { listReferrers } from "./referrers.ts";
import { UpstreamDoor } from "./proxy/answer-upstream.ts";
import type { PullThrough } from "./proxy/pull-through.ts";
import { RepositoryLine } from "./repository-line.ts";
import { leaveBody } from "./request-body.ts";
import { parseTarget, TargetReader, type Route } from "./route.ts";
import { SmallBlobs } from "./small-blobs.ts";
import { listRepositories, listTags } from "./tag-list.ts";
import { allowedAccess } from "./token/allowed-access.ts";
import { challenges } from "./token/challenge.ts";
import { neededAccess } from "./token/needed-access.ts";
import { covers, formatScopes, type Access } from "./token/scope.ts";
import { wireError } from "./wire-error.ts";

const DEFAULT_LIMITS: RegistryLimits = { idleMs: 60_000, blobBytes: 2 ** 40 };

export interface RegistryOptions {
  readonly store: ContentStore;
  readonly guard: Guard;
  readonly clock: Clock;
  readonly log: Log;
  /** Host and port under which policy and records name this registry. */
  readonly host?: string;
  /** The resource for a manifest, with its evidence. Without it every artifact counts as unproven. */
  readonly evidence?: (repository: string, descriptor: Descriptor) => Promise<GuardResource>;
  readonly limits?: Partial<RegistryLimits>;
  /** Sets room aside for an upload that will be so long, before its body is read; throws when there is none. */
  readonly reserve?: Reserve;
  /** For policy to look at; the store's observer is what refuses. */
  readonly isImmutable?: IsImmutable;
  /** Upstream registries behind this one. */
  readonly pullThrough?: PullThrough;
  /** The service that gives out tokens, as challenges name it; without it clients are asked for Basic alone. */
  readonly tokenService?: string;
}

export interface Caller {
  readonly principal: Principal | undefined;
  /** What the token that was sent is good for; undefined when it was a credential itself. */
  readonly access?: readonly Access[] | undefined;
}

export interface Registry {
  /** Answers one request, whatever happens. Resolves when the answer is out or the client is gone; never rejects. */
  handle(req: IncomingMessage, res: ServerResponse, caller: Caller): Promise<void>;
  /** What of a token's scope policy allows; undefined for nothing. */
  allowed(principal: Principal, access: Access): Access | undefined;
}

/**
 * A registry over a content store. Uploads of large blobs take long: the server that calls it must not bound the
 * time of a whole request (`server.requestTimeout = 0`); idle clients are given up here.
 */
export function createRegistry(options: RegistryOptions): Registry {
  const { store, guard, clock, log, host = "localhost" } = options;
  const evidence =
    options.evidence ??
    (async (repository: string, descriptor: Descriptor) => unprovenArtifact(host, repository, descriptor, clock.now()));
  const limits = { ...DEFAULT_LIMITS, ...options.limits };
  const shared = {
    shelf: new BufferShelf(),
    line: new RepositoryLine(),
    known: new KnownActs(),
    small: new SmallBlobs(),
  };
  const parts: RegistryParts = {
    store,
    guard,
    clock,
    log,
    host,
    limits,
    evidence,
    reserve: options.reserve,
    isImmutable: options.isImmutable,
    pullThrough: options.pullThrough,
    ...shared,
  };
  const door = options.pullThrough === undefined ? undefined : new UpstreamDoor(parts, options.pullThrough);
  const targets = new TargetReader();
  const allowed = (principal: Principal, access: Access): Access | undefined =>
    allowedAccess(guard, principal, access, door?.resources(access.name) ?? [repositoryResource(parts, access.name)]);
  const challenge = (req: IncomingMessage, error: unknown): string[] => {
    if (options.tokenService === undefined) return ['Basic realm="pratique"'];
    const isScopeMissing = isPratiqueError(error, "registry.scope-missing");
    return challenges(req, { service: options.tokenService, needed: neededBy(req), isScopeMissing });
  };
  return {
    allowed,
    async handle(req, res, { principal, access }) {
      try {
        if (principal === undefined) throw registryErrors("registry.credentials-required");
        const { route, query } = targets.read(req.url ?? "");
        const exchange = { req, res, principal, query, access };
        if (access !== undefined) {
          const needed = neededAccess(route, req.method ?? "", query);
          const missing = needed.filter((one) => !covers(access, one));
          // What policy denies is denied below, with the reason: another token would not help.
          if (missing.some((one) => covers([allowed(principal, one) ?? NO_ACCESS], one))) {
            throw registryErrors("registry.scope-missing", { scope: formatScopes(needed) });
          }
        }
        const handlers = door?.handlers(exchange, route) ?? handlersOf(parts, exchange, route);
        if (door === undefined) return await answer(exchange, handlers);
        try {
          await answer(exchange, handlers);
        } catch (error) {
          throw door.explain(exchange, route, error);
        }
      } catch (error) {
        refuse({ log, challenge }, req, res, error);
      }
    },
  };
}

const NO_ACCESS: Access = { type: "", name: "", actions: [] };

type Handler = () => Promise<void> | void;

function answer(exchange: Exchange, handlers: Readonly<Record<string, Handler>>): Promise<void> | void {
  const handler = handlers[exchange.req.method ?? ""];
  if (handler !== undefined) return handler();
  const allowed = Object.keys(handlers).join(", ");
  exchange.res.setHeader("Allow", allowed);
  throw registryErrors("registry.method-not-allowed", { method: exchange.req.method ?? "", allowed });
}

function handlersOf(parts: RegistryParts, exchange: Exchange, route: Route): Readonly<Record<string, Handler>> {
  switch (route.to) {
    case "ping": {
      const ping = (): void => sendEmpty(exchange.res, 200);
      return { GET: ping, HEAD: ping };
    }
    case "catalog":
      return both(() => listRepositories(parts, exchange));
    case "tags":
      return both(() => listTags(parts, exchange, route.name));
    case "referrers":
      return both(() => listReferrers(parts, exchange, route.name, route.digest));
    case "extensions":
      return both(() => listExtensions(exchange));
    case "delta":
      return { POST: () => rebuildBlob(parts, exchange, route.name, route.digest) };
    case "manifest":
      return {
        GET: () => getManifest(parts, exchange, route.name, route.reference),
        HEAD: () => headManifest(parts, exchange, route.name, route.reference),
        PUT: () => putManifest(parts, exchange, route.name, route.reference),
        DELETE: () => deleteManifest(parts, exchange, route.name, route.reference),
      };
    case "blob":
      return {
        GET: () => getBlob(parts, exchange, route.name, route.digest),
        HEAD: () => headBlob(parts, exchange, route.name, route.digest),
        DELETE: () => deleteBlob(parts, exchange, route.name, route.digest),
      };
    case "uploads":
      return { POST: () => startUpload(parts, exchange, route.name) };
    case "upload":
      return {
        GET: () => uploadStatus(parts, exchange, route.name, route.id),
        PATCH: () => appendChunk(parts, exchange, route.name, route.id),
        PUT: () => closeUpload(parts, exchange, route.name, route.id),
        DELETE: () => cancelUpload(parts, exchange, route.name, route.id),
      };
  }
}

function both(handler: Handler): Readonly<Record<string, Handler>> {
  return { GET: handler, HEAD: handler };
}

/** The scopes to ask for, as far as the request can be understood. */
function neededBy(req: IncomingMessage): readonly Access[] {
  try {
    const { route, query } = parseTarget(req.url ?? "");
    return neededAccess(route, req.method ?? "", query);
  } catch (error) {
    if (isPratiqueError(error)) return [];
    throw error;
  }
}

/** Seconds for which an upstream wants no requests. */
function restOf(details: unknown): number {
  const seconds = isJsonObject(details) ? details["retryAfterSeconds"] : undefined;
  return typeof seconds === "number" && seconds > 0 ? seconds : 60;
}

interface Refusing {
  readonly log: Log;
  readonly challenge: (req: IncomingMessage, error: unknown) => string[];
}

/** Answers with an OCI error body, as far as there is still somebody to answer. */
function refuse({ log, challenge }: Refusing, req: IncomingMessage, res: ServerResponse, error: unknown): void {
  if (res.destroyed || req.socket.destroyed || res.headersSent) {
    log.debug("a request broke off", describeError(error));
    if (!res.writableEnded) res.destroy();
    return;
  }
  const { status, code, message, detail } = wireError(error);
  if (!isPratiqueError(error) || status >= 500) log.error("the registry failed", describeError(error));
  if (status === 401) res.setHeader("WWW-Authenticate", challenge(req, error));
  leaveBody(req, res);
  // The answer to a HEAD has no body; containerd shows its status line (RFC 9112 §4: the reason phrase is free text).
  if (req.method === "HEAD") res.statusMessage = message.replace(/[^\x20-\x7e]+/g, " ").slice(0, 400);
  if (isPratiqueError(error, "registry.upstream-resting")) res.setHeader("Retry-After", String(restOf(error.details)));
  const body = Buffer.from(JSON.stringify({ errors: [{ code, message, detail }] }));
  res.writeHead(status, {
    ...BASE_HEADERS,
    "Content-Type": "application/json",
    "Content-Length": String(body.length),
  });
  res.end(req.method === "HEAD" ? undefined : body);
}
