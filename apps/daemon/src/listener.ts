// The one listener: binds, authenticates, routes, limits, and answers for the daemon's health.
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { describeError, isPratiqueError, type Log } from "@pratique/core";
import { daemonErrors } from "./errors.ts";
import { problemOf } from "./control/problem.ts";

/** Answers one request; `url` is already parsed, and shared with others: it is read only. */
export type Handler = (req: IncomingMessage, res: ServerResponse, url: Readonly<URL>) => Promise<void>;

export interface Listener {
  /** `http://127.0.0.1:7340`. */
  readonly url: string;
  readonly port: number;
  /** Until this is called every request but /livez answers 503. */
  serve(handler: Handler): void;
  close(): Promise<void>;
}

const HEADERS_TIMEOUT_MS = 30_000;
const DRAIN_MS = 2000;
const FINISH_MS = 10_000;

export interface ListenerLimits {
  /** A request whose body sends nothing for so long is given up. Whole requests have no bound: images are large. */
  readonly bodyIdleMs: number;
  /** Fewer than the 4096 files that Linux lets a process have: the log and the blobs need theirs. */
  readonly connections: number;
}

const DEFAULT_LIMITS: ListenerLimits = { bodyIdleMs: 120_000, connections: 2000 };

/** Splits HOST:PORT and refuses what is not loopback. @throws `daemon.bad-listen`, `daemon.unsafe-listen` */
export function parseListen(address: string): { host: string; port: number } {
  const match = /^(?:\[([0-9a-fA-F:]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(address);
  const port = Number(match?.[3]);
  if (match === null || port > 65_535) throw daemonErrors("daemon.bad-listen", { address });
  const host = match[1] ?? match[2]!;
  const isLoopback = host === "localhost" || host === "::1" || /^127(\.\d{1,3}){3}$/.test(host);
  if (!isLoopback) throw daemonErrors("daemon.unsafe-listen", { address });
  return { host, port };
}

/** Binds the address. @throws `daemon.port-in-use`, `daemon.cannot-listen` */
export async function listen(address: string, log: Log, limits: Partial<ListenerLimits> = {}): Promise<Listener> {
  const { host, port } = parseListen(address);
  const { bodyIdleMs, connections } = { ...DEFAULT_LIMITS, ...limits };
  let handler: Handler | undefined;
  const underWay = new Set<Promise<void>>();
  const targets = new Targets();
  const server = createServer(
    { headersTimeout: HEADERS_TIMEOUT_MS, requestTimeout: 0, keepAliveTimeout: 60_000 },
    (req, res) => {
      endStalledBody(req, bodyIdleMs);
      const answering = dispatch({ handler, targets, log }, req, res).finally(() => underWay.delete(answering));
      underWay.add(answering);
    },
  );
  server.maxConnections = connections;
  await bind(server, host, port, address);
  const bound = server.address() as AddressInfo;
  const shownHost = host.includes(":") ? `[${host}]` : host;
  return {
    url: `http://${shownHost}:${bound.port}`,
    port: bound.port,
    serve: (next) => void (handler = next),
    close: async () => {
      await closeServer(server);
      // A client that is gone does not stop its act: what it does is still to be recorded.
      const patience = AbortSignal.timeout(FINISH_MS);
      await Promise.race([Promise.allSettled(underWay), once(patience, "abort")]);
    },
  };
}

async function bind(server: Server, host: string, port: number, address: string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once("error", (cause: NodeJS.ErrnoException) => {
      reject(
        cause.code === "EADDRINUSE"
          ? daemonErrors("daemon.port-in-use", { address }, { cause })
          : daemonErrors("daemon.cannot-listen", { address, reason: cause.message }, { cause }),
      );
    });
    server.listen({ host, port }, () => resolve());
  });
}

/** Ends the connection when a body neither comes nor ends: its handler may wait for it, or has long answered without it. */
function endStalledBody(req: IncomingMessage, idleMs: number): void {
  if (req.headers["transfer-encoding"] === undefined && Number(req.headers["content-length"] ?? 0) === 0) return;
  const { socket } = req;
  let seen = socket.bytesRead;
  const timer = setInterval(() => {
    if (req.complete || socket.destroyed) return clearInterval(timer);
    if (socket.bytesRead === seen) socket.destroy();
    seen = socket.bytesRead;
  }, idleMs).unref();
}

/** Addresses as they were read: clients ask for the same ones again and again. */
class Targets {
  readonly #read = new Map<string, URL>();

  read(target: string): URL {
    const known = this.#read.get(target);
    if (known !== undefined) return known;
    // A path such as `//v2/` must not be read as a host.
    const url = new URL(`http://listener${target.startsWith("/") ? target.replace(/^\/+/, "/") : "/"}`);
    // What is asked for with a query is asked for once.
    if (url.search !== "" || target.length > TARGET_LENGTH) return url;
    if (this.#read.size >= TARGETS) this.#read.clear();
    this.#read.set(target, url);
    return url;
  }
}

const TARGETS = 500;
const TARGET_LENGTH = 500;

interface Dispatch {
  readonly handler: Handler | undefined;
  readonly targets: Targets;
  readonly log: Log;
}

async function dispatch({ handler, targets, log }: Dispatch, req: IncomingMessage, res: ServerResponse): Promise<void> {
  try {
    const target = req.url ?? "/";
    if (target === "/livez") return plain(res, 200, "ok\n");
    if (target === "/readyz")
      return plain(res, handler === undefined ? 503 : 200, handler === undefined ? "starting\n" : "ready\n");
    if (handler === undefined) {
      res.setHeader("retry-after", "1");
      return plain(res, 503, "starting\n");
    }
    await handler(req, res, targets.read(target));
  } catch (error) {
    if (!isPratiqueError(error))
      log.error("request failed", {
        path: req.url ?? "",
        ...describeError(error),
        stack: error instanceof Error ? (error.stack ?? "") : "",
      });
    if (res.headersSent) return void res.destroy();
    const problem = problemOf(error);
    res.writeHead(problem.status, { "content-type": "application/problem+json" });
    res.end(JSON.stringify(problem));
  }
}

function plain(res: ServerResponse, status: number, text: string): void {
  res.writeHead(status, { "content-type": "text/plain; charset=utf-8", "content-length": Buffer.byteLength(text) });
  res.end(text);
}

async function closeServer(server: Server): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeIdleConnections();
  const force = setTimeout(() => server.closeAllConnections(), DRAIN_MS);
  await closed;
  clearTimeout(force);
}
