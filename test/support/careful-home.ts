// A state directory whose policies want a person's approval for each call of a writing tool, with a server of notes behind the gateway.
import { appendFile, cp, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Client, StreamableHTTPClientTransport, type CallToolResult } from "@modelcontextprotocol/client";
import { startNotesServer, type NotesServer } from "../fakes/notes-server.ts";
import { ROOT, startDaemon, temporaryHome, type Daemon } from "./program.ts";

export interface CarefulHome {
  readonly home: string;
  readonly notes: NotesServer;
  /** On that address, or a free port. */
  start(listen?: string): Promise<Daemon>;
  /** A client of the owner, without anybody to ask. */
  connect(daemon: Daemon, profile?: string): Promise<Client>;
  remove(): Promise<void>;
}

export async function carefulHome(approvals: Readonly<Record<string, unknown>> = {}): Promise<CarefulHome> {
  const place = await temporaryHome();
  const notes = await startNotesServer();
  const directory = join(place.home, "policies");
  await cp(join(ROOT, "policies"), directory, { recursive: true });
  await appendFile(
    join(directory, "owner.cedar"),
    `
@id("careful")
@reason("Each call wants a yes.")
@remedy("ask a person")
forbid (principal, action == Pratique::Action::"tool:call", resource)
unless { resource.readOnly }
unless { context has approved && context.approved };
`,
  );
  const profiles = { team: { servers: ["notes"], search: true, codeMode: true } };
  const config = { approvals, gateway: { servers: { notes: { url: notes.url } }, profiles } };
  await writeFile(join(place.home, "pratique.yaml"), JSON.stringify(config));
  const clients: Client[] = [];
  return {
    home: place.home,
    notes,
    start: (listen) =>
      startDaemon(place.home, {
        env: { PRATIQUE_POLICY_DIRECTORY: directory },
        ...(listen === undefined ? {} : { listen }),
      }),
    async connect({ url, token }, profile) {
      const client = new Client(
        { name: "careful", version: "0" },
        { versionNegotiation: { mode: { pin: "2026-07-28" } } },
      );
      const headers = { authorization: `Bearer ${token}` };
      await client.connect(
        new StreamableHTTPClientTransport(new URL(`${url}/mcp${profile === undefined ? "" : `/${profile}`}`), {
          requestInit: { headers },
        }),
      );
      clients.push(client);
      return client;
    },
    async remove() {
      await Promise.allSettled(clients.map((client) => client.close()));
      await notes.close();
      await place.remove();
    },
  };
}

export function said({ content }: CallToolResult): string {
  return content.map((part) => (part.type === "text" ? part.text : part.type)).join();
}
