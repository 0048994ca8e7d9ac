// Logins for the conformance suite's client scenarios: the gateway's own credentials, and a browser that says yes.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SecretsConfig, type Principal } from "@pratique/contracts";
import { silentLog, systemClock } from "@pratique/core";
import { Credentials, type OAuthSettings, type UpstreamAuth } from "@pratique/gateway";
import type { Guard } from "@pratique/guard";
import { Leases, openSecrets } from "@pratique/secrets";
import { openDatabase } from "@pratique/store";
import { z } from "zod";

/** MCP_CONFORMANCE_CONTEXT, as far as logins go. */
const Context = z.looseObject({
  client_id: z.string().optional(),
  client_secret: z.string().optional(),
  private_key_pem: z.string().optional(),
  signing_algorithm: z.string().optional(),
});

export interface ConformanceAuth {
  readonly auth: UpstreamAuth;
  /** Does what a person does at the login page, and comes back. */
  login(url: string): Promise<void>;
  close(): Promise<void>;
}

const owner: Principal = { type: "User", id: "owner", name: "Owner", groups: ["owner"] };
const REDIRECT_URL = "http://127.0.0.1:7340/oauth/callback";
/** The suite demands this address. */
const DOCUMENT_URL = "https://conformance-test.local/client-metadata.json";

/** Everything is allowed: what is tested is the protocol. */
const permissive = {
  perform: async (_act: unknown, run: (decision: unknown, note: () => void) => Promise<unknown>) => ({
    allowed: true,
    value: await run({}, () => undefined),
  }),
};

export async function conformanceAuth(url: string, scenario: string, context: unknown): Promise<ConformanceAuth> {
  const given = Context.parse(context ?? {});
  const home = await mkdtemp(join(tmpdir(), "pratique-conformance-"));
  const database = await openDatabase({ file: join(home, "pratique.db") });
  const clock = systemClock;
  const secrets = await openSecrets({
    config: SecretsConfig.parse({ keys: { type: "file" } }),
    home,
    table: database.secrets,
    clock,
    log: silentLog,
  });
  const keep = async (name: string, value: string | undefined): Promise<string | undefined> => {
    if (value === undefined) return undefined;
    await secrets.set({ owner: "", name }, Buffer.from(value));
    return name;
  };
  const oauth: OAuthSettings = {
    ...(given.client_id === undefined ? {} : { clientId: given.client_id }),
    clientSecret: await keep("client-secret", given.client_secret),
    privateKey: await keep("client-key", given.private_key_pem),
    keyAlgorithm: given.signing_algorithm,
    grant: scenario.startsWith("auth/client-credentials") ? "client_credentials" : "authorization_code",
  };
  const credentials = new Credentials({
    secrets,
    leases: new Leases({ table: database.leases, clock, holder: "conformance" }),
    guard: permissive as unknown as Guard,
    clock,
    log: silentLog,
    redirectUrl: () => REDIRECT_URL,
    documentUrl: DOCUMENT_URL,
    principalOf: () => owner,
  });
  const resource = { type: "Server", id: "upstream", attributes: {} } as const;
  return {
    auth: credentials.authOf({ name: "upstream", url, scope: "shared", headers: [], oauth, resource }),
    async login(page) {
      const answer = await fetch(page, { redirect: "manual" });
      const location = answer.headers.get("location");
      if (location === null) throw new Error(`the login page answers ${answer.status} and leads nowhere`);
      await credentials.finish(new URL(location, page).searchParams, AbortSignal.timeout(20_000));
    },
    async close() {
      await database.close();
      await rm(home, { recursive: true, force: true });
    },
  };
}
