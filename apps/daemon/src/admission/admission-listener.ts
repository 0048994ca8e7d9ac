// The address that an API server calls: TLS always, mutual TLS or a bearer token, and nothing but admission behind it.
import { createHash, timingSafeEqual } from "node:crypto";
import { readFile, stat } from "node:fs/promises";
import { createServer, type Server } from "node:https";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { dirname, resolve } from "node:path";
import { TLSSocket } from "node:tls";
import type { AdmissionConfig, Principal } from "@pratique/contracts";
import { describeError, isPratiqueError, type Log } from "@pratique/core";
import { problemOf } from "../control/problem.ts";
import { daemonErrors } from "../errors.ts";
import type { AdmissionApi } from "./admission-api.ts";

export interface AdmissionListener {
  readonly port: number;
  close(): Promise<void>;
}

export interface AdmissionListenerOptions {
  readonly config: AdmissionConfig;
  /** Paths are relative to it. */
  readonly configFile: string;
  readonly api: AdmissionApi;
  /** For whom the caller asks: whoever set it up. */
  readonly principal: Principal;
  readonly log: Log;
}

const RELOAD_MS = 60_000;
const REQUEST_MS = 30_000;
const DRAIN_MS = 2000;

interface Secrets {
  readonly cert: Buffer;
  readonly key: Buffer;
  readonly ca: Buffer | undefined;
}

/** Listens when the configuration says so. @throws `config.invalid`, `daemon.cannot-listen` */
export async function listenForAdmission(o: AdmissionListenerOptions): Promise<AdmissionListener | undefined> {
  const { config, log } = o;
  if (config.listen === undefined || config.tls === undefined) return undefined;
  const { host, port } = parseAddress(config.listen);
  const paths = pathsOf(o);
  const secrets = await readSecrets(paths, o.configFile);
  const token = paths.token === undefined ? undefined : await readToken(paths.token, o.configFile);
  const server = createServer(
    {
      ...tlsOptions(secrets),
      requestCert: secrets.ca !== undefined,
      // With a token beside it a certificate is one of two ways; alone it is the only one.
      rejectUnauthorized: secrets.ca !== undefined && token === undefined,
      requestTimeout: REQUEST_MS,
      headersTimeout: REQUEST_MS,
    },
    (req, res) => void answer(o, token, req, res),
  );
  server.maxConnections = 500;
  await bind(server, host, port, config.listen);
  const reload = async (): Promise<void> => {
    try {
      server.setSecureContext(tlsOptions(await readSecrets(paths, o.configFile)));
    } catch (error) {
      log.error("the certificate of admission cannot be read again", describeError(error));
    }
  };
  const reloading = setInterval(() => void reload(), RELOAD_MS).unref();
  const bound = server.address() as AddressInfo;
  log.info("answers admission reviews", { address: config.listen, port: bound.port });
  return {
    port: bound.port,
    close: async () => {
      clearInterval(reloading);
      const closed = new Promise<void>((done) => server.close(() => done()));
      server.closeIdleConnections();
      const force = setTimeout(() => server.closeAllConnections(), DRAIN_MS);
      await closed;
      clearTimeout(force);
    },
  };
}

async function answer(
  o: AdmissionListenerOptions,
  token: string | undefined,
  req: IncomingMessage,
  res: ServerResponse,
): Promise<void> {
  try {
    if (req.url === "/livez" || req.url === "/readyz") return void res.writeHead(200).end("ok\n");
    const isKnown = hasCertificate(o.config, req) || hasToken(req.headers.authorization, token);
    const url = new URL(`https://listener${(req.url ?? "/").replace(/^\/*/, "/")}`);
    await o.api(req, res, url, isKnown ? o.principal : undefined);
  } catch (error) {
    if (!isPratiqueError(error)) o.log.error("an admission request failed", describeError(error));
    if (res.headersSent) return void res.destroy();
    const problem = problemOf(error);
    res.writeHead(problem.status, { "content-type": "application/problem+json" });
    res.end(JSON.stringify(problem));
  }
}

function hasCertificate({ clientAuthority, clientNames }: AdmissionConfig, { socket }: IncomingMessage): boolean {
  if (clientAuthority === undefined || !(socket instanceof TLSSocket) || !socket.authorized) return false;
  if (clientNames === undefined) return true;
  const { subject } = socket.getPeerCertificate();
  const name: unknown = subject?.CN;
  return typeof name === "string" && clientNames.includes(name);
}

function hasToken(authorization: string | undefined, token: string | undefined): boolean {
  const [, given] = /^Bearer (\S{1,4096})$/i.exec(authorization ?? "") ?? [];
  if (token === undefined || given === undefined) return false;
  const hash = (text: string): Buffer => createHash("sha256").update(text).digest();
  return timingSafeEqual(hash(given), hash(token));
}

interface Paths {
  readonly cert: string;
  readonly key: string;
  readonly ca: string | undefined;
  readonly token: string | undefined;
}

function pathsOf({ config, configFile }: AdmissionListenerOptions): Paths {
  const at = (path: string): string => resolve(dirname(configFile), path);
  const optional = (path: string | undefined): string | undefined => (path === undefined ? undefined : at(path));
  const { tls, clientAuthority, tokenFile } = config;
  return {
    cert: at(tls?.certificate ?? ""),
    key: at(tls?.key ?? ""),
    ca: optional(clientAuthority),
    token: optional(tokenFile),
  };
}

function tlsOptions({ cert, key, ca }: Secrets): {
  cert: Buffer;
  key: Buffer;
  ca?: Buffer;
  minVersion: "TLSv1.2";
} {
  return { cert, key, ...(ca === undefined ? {} : { ca }), minVersion: "TLSv1.2" };
}

async function readSecrets({ cert, key, ca }: Paths, configFile: string): Promise<Secrets> {
  const read = (path: string): Promise<Buffer> =>
    readFile(path).catch((cause: unknown) => {
      throw daemonErrors(
        "config.invalid",
        { file: configFile, problem: `admission: ${path} cannot be read` },
        { cause },
      );
    });
  return { cert: await read(cert), key: await read(key), ca: ca === undefined ? undefined : await read(ca) };
}

async function readToken(path: string, configFile: string): Promise<string> {
  const wrong = (why: string, cause?: unknown): Error =>
    daemonErrors("config.invalid", { file: configFile, problem: `admission.tokenFile: ${path} ${why}` }, { cause });
  const stats = await stat(path).catch((cause: unknown) => {
    throw wrong("cannot be read", cause);
  });
  if ((stats.mode & 0o077) !== 0) throw wrong("can be read by others: chmod 600");
  const token = (await readFile(path, "utf8")).trim();
  if (!/^\S{24,4096}$/.test(token)) throw wrong("does not hold a token of at least 24 characters");
  return token;
}

function parseAddress(address: string): { host: string; port: number } {
  const match = /^(?:\[([0-9a-fA-F:]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(address);
  const port = Number(match?.[3]);
  if (match === null || port > 65_535) throw daemonErrors("daemon.bad-listen", { address });
  return { host: match[1] ?? match[2] ?? "", port };
}

async function bind(server: Server, host: string, port: number, address: string): Promise<void> {
  await new Promise<void>((done, fail) => {
    server.once("error", (cause: NodeJS.ErrnoException) => {
      const failed =
        cause.code === "EADDRINUSE"
          ? daemonErrors("daemon.port-in-use", { address }, { cause })
          : daemonErrors("daemon.cannot-listen", { address, reason: cause.message }, { cause });
      fail(failed);
    });
    server.listen({ host, port }, () => done());
  });
}
