// Credentials over a real store, for tests: as many daemons on one database as a test wants.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SecretsConfig, type UserPrincipal } from "@pratique/contracts";
import { manualClock, silentLog, type ManualClock } from "@pratique/core";
import type { Act, Guard } from "@pratique/guard";
import { Leases, openSecrets, type SecretStore } from "@pratique/secrets";
import { openDatabase, type Database } from "@pratique/store";
import type { UpstreamAuth } from "../server-definition.ts";
import { Credentials } from "./credentials.ts";
import type { CredentialParts, RemoteServer } from "./remote-server.ts";

export const owner: UserPrincipal = { type: "User", id: "owner", name: "Owner", groups: ["owner"] };
export const ada: UserPrincipal = { type: "User", id: "ada", name: "Ada", groups: [] };

export interface CredentialDaemon {
  readonly credentials: Credentials;
  readonly secrets: SecretStore;
  auth(server: Partial<RemoteServer> & Pick<RemoteServer, "url">): UpstreamAuth;
}

export interface CredentialHouse {
  readonly database: Database;
  readonly clock: ManualClock;
  /** What guard was asked. */
  readonly acts: Act[];
  /** Denies from now on. */
  deny(action: string): void;
  daemon(parts?: Partial<CredentialParts>): Promise<CredentialDaemon>;
  close(): Promise<void>;
}

export async function credentialHouse(): Promise<CredentialHouse> {
  const home = await mkdtemp(join(tmpdir(), "pratique-credentials-"));
  const database = await openDatabase({ file: join(home, "pratique.db") });
  const clock = manualClock(new Date());
  const acts: Act[] = [];
  const denied = new Set<string>();
  // Decides by a list, and remembers: what is tested is that it is asked.
  const guard = {
    perform: async (act: Act, run: (decision: unknown, note: () => void) => Promise<unknown>) => {
      acts.push(act);
      if (denied.has(act.action)) {
        return { allowed: false, decision: { reason: "no", policies: [], policyDigest: "" }, record: { id: "1" } };
      }
      return { allowed: true, value: await run({}, () => undefined) };
    },
  } as unknown as Guard;
  let daemons = 0;
  return {
    database,
    clock,
    acts,
    deny: (action) => void denied.add(action),
    async daemon(parts = {}) {
      const config = SecretsConfig.parse({ keys: { type: "file" } });
      const secrets = await openSecrets({ config, home, table: database.secrets, clock, log: silentLog });
      const credentials = new Credentials({
        secrets,
        leases: new Leases({ table: database.leases, clock, holder: `daemon ${(daemons += 1)}` }),
        guard,
        clock,
        log: silentLog,
        redirectUrl: () => "http://127.0.0.1:7340/oauth/callback",
        principalOf: (scope) => (scope === "" ? owner : scope === "ada" ? ada : undefined),
        ...parts,
      });
      const auth: CredentialDaemon["auth"] = (server) =>
        credentials.authOf({
          name: "notes",
          scope: "shared",
          headers: [],
          resource: { type: "Server", id: "notes", attributes: { name: "notes", isolated: true, cleared: true } },
          ...server,
        });
      return { credentials, secrets, auth };
    },
    async close() {
      await database.close();
      await rm(home, { recursive: true, force: true });
    },
  };
}

/** A request to the server as upstream/ sends it; what comes of it in the end. */
export async function callServer(
  auth: UpstreamAuth,
  url: string,
  {
    scope = "",
    tool = "whoami",
    headers = {},
  }: { scope?: string; tool?: string; headers?: Record<string, string> } = {},
): Promise<{ status: number; text: string }> {
  const signal = AbortSignal.timeout(20_000);
  const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/call", params: { name: tool } });
  for (let attempt = 0; ; attempt++) {
    const all: Record<string, string> = { ...headers, ...(await auth.headers(scope, signal)) };
    const answer = await fetch(url, { method: "POST", headers: all, body, redirect: "manual" });
    const text = await answer.text();
    const isRefused = answer.status === 401 || answer.status === 403;
    const wwwAuthenticate = answer.headers.get("www-authenticate") ?? undefined;
    if (!isRefused || attempt >= 3) return { status: answer.status, text };
    if (!(await auth.renew(scope, { status: answer.status, wwwAuthenticate, sent: all["authorization"] }, signal))) {
      return { status: answer.status, text };
    }
  }
}
