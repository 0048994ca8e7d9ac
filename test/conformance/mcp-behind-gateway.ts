// A gateway with the policies that ship, in front of one server of the suite, for a client that needs no token.
import { readdir, readFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { AuditRecord, UserPrincipal } from "@pratique/contracts";
import { silentLog, systemClock, uuidv7 } from "@pratique/core";
import { createGateway, mcpEndpoint, type ServerTransport } from "@pratique/gateway";
import { createGuard } from "@pratique/guard";
import { loadPolicySet } from "@pratique/policy";
import { startProcess } from "@pratique/sandbox";

export type Era = "modern" | "legacy";

export interface Served {
  readonly url: string;
  close(): Promise<void>;
}

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const owner: UserPrincipal = { type: "User", id: "owner", name: "Owner", groups: ["owner"] };

function startServer(era: Era, transport: "stdio" | "http") {
  const script = join(ROOT, "test/fakes/conformance", `${era}-server.ts`);
  return startProcess({ command: process.execPath, args: [script, transport], env: {}, cwd: tmpdir() });
}

/** One of the suite's servers on a port of its own. */
export async function serveDirectly(era: Era): Promise<Served> {
  const peer = await startServer(era, "http");
  for await (const line of createInterface({ input: peer.stdout }))
    return { url: (JSON.parse(line) as { url: string }).url, close: () => peer.stop() };
  throw new Error(`the ${era} server did not start`);
}

export async function serveBehindGateway(transport: ServerTransport): Promise<Served> {
  const directory = join(ROOT, "policies");
  const names = (await readdir(directory)).filter((name) => name.endsWith(".cedar"));
  const files = await Promise.all(
    names.map(async (name) => [name, await readFile(join(directory, name), "utf8")] as const),
  );
  const schema = await readFile(join(directory, "pratique.cedarschema"), "utf8");
  const policySet = loadPolicySet({ schema, files: Object.fromEntries(files) });
  const records: AuditRecord[] = [];
  const guard = createGuard({
    policy: () => policySet,
    clock: systemClock,
    log: silentLog,
    audit: {
      append: async (body) => {
        const record = { ...body, version: 1 as const, id: uuidv7(systemClock), sequence: records.length, time: "" };
        records.push(record);
        return record;
      },
    },
  });
  const gateway = createGateway({
    guard,
    clock: systemClock,
    log: silentLog,
    info: { name: "pratique", version: "0" },
  });
  gateway.addServer({ name: "suite", isolated: true, cleared: true, verdicts: {}, transport });
  const server = createServer((req, res) => {
    const { pathname } = new URL(req.url ?? "/", "http://gateway.invalid");
    void gateway.handle(req, res, { principal: owner, ...mcpEndpoint(pathname) });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`,
    async close() {
      await gateway.close();
      server.closeAllConnections();
      server.close();
    },
  };
}

export function overStdio(era: Era): ServerTransport {
  return { type: "stdio", start: () => startServer(era, "stdio") };
}
