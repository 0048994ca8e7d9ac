// A Sigstore on a random port with an issuer of its own, for tests: real guard and policies, records in memory.
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { exportJWK, generateKeyPair, SignJWT } from "jose";
import { AuditRecord, type RecordBody } from "@pratique/contracts";
import { silentLog, systemClock, type Clock } from "@pratique/core";
import { createGuard, type Guard } from "@pratique/guard";
import { loadPolicySet } from "@pratique/policy";
import { AnonymousPace } from "./anonymous-pace.ts";
import { serveSigstore } from "./endpoints.ts";
import { Sigstore } from "./sigstore.ts";
import type { OidcIssuer } from "./token-verifier.ts";

const POLICIES = join(import.meta.dirname, "../../../policies");

/** As the daemon mounts it: clients must take a path before theirs. */
const PREFIX = "/sigstore";

export interface TestIssuer {
  readonly url: string;
  /** A token of this issuer; claims given here win over the usual ones, and undefined ones are left out. */
  token(claims?: Readonly<Record<string, unknown>>, options?: { readonly kid?: string }): Promise<string>;
  stop(): Promise<void>;
}

/** An OpenID provider that issues whatever it is told to. */
export async function startIssuer(clock: Clock = systemClock): Promise<TestIssuer> {
  const { publicKey, privateKey } = await generateKeyPair("ES256", { extractable: true });
  const jwk = { ...(await exportJWK(publicKey)), kid: "one", alg: "ES256", use: "sig" };
  let url = "";
  const server = createServer((req, res) => {
    const documents: Record<string, object> = {
      "/.well-known/openid-configuration": { issuer: url, jwks_uri: `${url}/keys` },
      "/keys": { keys: [jwk] },
    };
    const found = documents[req.url ?? ""];
    res.writeHead(found === undefined ? 404 : 200, { "content-type": "application/json" });
    res.end(JSON.stringify(found ?? {}));
  });
  url = await listen(server);
  return {
    url,
    token: (claims = {}, { kid = "one" } = {}) => {
      const now = Math.floor(clock.now().getTime() / 1000);
      const usual = { iss: url, aud: "sigstore", sub: "ci", email: "ci@example.com", email_verified: true };
      const payload = { ...usual, iat: now, exp: now + 300, ...claims };
      return new SignJWT(payload).setProtectedHeader({ alg: "ES256", kid }).sign(privateKey);
    },
    stop: () => stop(server),
  };
}

export interface TestSigstore {
  readonly url: string;
  readonly sigstore: Sigstore;
  readonly issuer: TestIssuer;
  readonly records: readonly RecordBody[];
  readonly directory: string;
  stop(): Promise<void>;
}

export interface TestSigstoreOptions {
  readonly clock?: Clock;
  readonly issuers?: (issuer: TestIssuer) => readonly OidcIssuer[];
  readonly directory?: string;
  readonly policy?: string;
}

export async function startSigstore(options: TestSigstoreOptions = {}): Promise<TestSigstore> {
  const { clock = systemClock } = options;
  const directory = options.directory ?? (await mkdtemp(join(tmpdir(), "pratique-sigstore-")));
  const pace = new AnonymousPace(clock);
  const issuer = await startIssuer(clock);
  const records: RecordBody[] = [];
  const server = createServer((req, res) => {
    const path = new URL(req.url ?? "/", "http://sigstore").pathname.replace(PREFIX, "");
    void serveSigstore({ sigstore, log: silentLog, pace }, req, res, { path, principal: undefined });
  });
  const url = (await listen(server)) + PREFIX;
  const sigstore = await Sigstore.open({
    directory,
    name: "sigstore.test",
    issuers: options.issuers?.(issuer) ?? [{ issuer: issuer.url, audience: "sigstore", subject: "email" }],
    url,
    guard: await testGuard(records, clock, options.policy),
    clock,
    log: silentLog,
  });
  return {
    url,
    sigstore,
    issuer,
    records,
    directory,
    stop: async () => {
      await stop(server);
      await issuer.stop();
      await sigstore.close();
      if (options.directory === undefined) await rm(directory, { recursive: true, force: true });
    },
  };
}

/** The guard with the policies that are shipped, and records in memory. */
export async function testGuard(records: RecordBody[], clock: Clock = systemClock, more?: string): Promise<Guard> {
  const names = (await readdir(POLICIES)).filter((name) => name.endsWith(".cedar"));
  const files = await Promise.all(
    names.map(async (name) => [name, await readFile(join(POLICIES, name), "utf8")] as const),
  );
  const policy = loadPolicySet({
    schema: await readFile(join(POLICIES, "pratique.cedarschema"), "utf8"),
    files: { ...Object.fromEntries(files), ...(more === undefined ? {} : { "more.cedar": more }) },
  });
  const append = async (body: RecordBody): Promise<AuditRecord> => {
    records.push(body);
    const time = clock.now().toISOString();
    return AuditRecord.parse({ ...body, version: 1, id: `r${records.length}`, sequence: records.length - 1, time });
  };
  return createGuard({ policy: () => policy, audit: { append }, clock, log: silentLog });
}

async function listen(server: Server): Promise<string> {
  // Clients keep connections; on a busy machine one that is closed meanwhile would be a failure of its own.
  server.keepAliveTimeout = 120_000;
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address: string | AddressInfo | null = server.address();
  if (address === null || typeof address === "string") throw new Error("it listens nowhere");
  return `http://127.0.0.1:${address.port}`;
}

function stop(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
