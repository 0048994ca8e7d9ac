// Every client in every way it can be connected: the entry is there, the token only where it may be, and all comes back.
import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { writeFileDurably } from "@pratique/store";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { planUndo, runUndo } from "../connect/undo.ts";
import { clientPlaces } from "./client-places.ts";
import { CLIENTS } from "./clients.ts";
import {
  clientNamed,
  clientStates,
  fileOf,
  prepareEntry,
  type ConnectRequest,
  type PreparedEntry,
} from "./connect-client.ts";
import { entryIn } from "./entry-text.ts";
import type { McpClient } from "./mcp-client.ts";

const TOKEN = `prq_${"a".repeat(40)}`;
const URL = "http://127.0.0.1:7340/mcp/team";

let root: string;
beforeEach(async () => void (root = await mkdtemp(join(tmpdir(), "clients-"))));
afterEach(() => rm(root, { recursive: true, force: true }));

const places = () => clientPlaces({ HOME: root }, "linux");
const request = (client: McpClient, more: Partial<ConnectRequest> = {}): ConnectRequest => ({
  client,
  places: places(),
  project: undefined,
  name: "pratique",
  url: URL,
  token: TOKEN,
  variable: undefined,
  isStdio: false,
  bridge: { command: "/opt/node", args: ["/opt/pratique.mjs", "gateway", "stdio"] },
  ...more,
});

async function put({ path, text, mode }: PreparedEntry): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFileDurably(path, text, { mode });
}
const undo = async ({ written }: PreparedEntry): Promise<void> =>
  runUndo(await planUndo({ version: 1, client: "gateway-x", files: [written] }));

/** Something of the client's own, with comments where they are allowed. */
function existing({ format, at, isList = false }: McpClient): string {
  const [key = ""] = at;
  if (format === "json")
    return `{\n    // mine\n    "theme": "dark",\n    "${key}": {\n        "other": { "command": "x" }\n    },\n}\n`;
  if (format === "toml") return `# mine\nmodel = "m"\n\n[${key}.other]\ncommand = "x"\n`;
  return isList
    ? `# mine\nname: a\n${key}:\n- name: other\n  command: x\n`
    : `# mine\nGOOSE: 1\n${key}:\n  other:\n    cmd: x\n`;
}

describe.each(CLIENTS.map((client) => [client.name, client] as const))("%s", (_name, client) => {
  const place = { at: client.at, name: "pratique", ...(client.isList === true ? { isList: true } : {}) };

  it("is connected where there was nothing, and nothing is left", async () => {
    const prepared = await prepareEntry(request(client));
    await put(prepared);
    const text = await readFile(prepared.path, "utf8");
    expect(entryIn(client.format, text, place, "f")).toBeDefined();
    expect(text.includes(TOKEN)).toBe(client.http !== undefined);
    expect((await stat(prepared.path)).mode & 0o777).toBe(0o600);
    await expect(prepareEntry(request(client))).rejects.toMatchObject({ code: "connect.taken" });
    await undo(prepared);
    await expect(stat(prepared.path)).rejects.toMatchObject({ code: "ENOENT" });
  });

  it("comes back to the byte, and to its mode; and after somebody else's change it loses our entry alone", async () => {
    const file = await fileOf(client, places(), undefined);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, existing(client), { mode: 0o644 });
    const prepared = await prepareEntry(request(client));
    await put(prepared);
    await undo(prepared);
    expect(await readFile(file, "utf8")).toBe(existing(client));
    expect((await stat(file)).mode & 0o777).toBe(0o644);

    const again = await prepareEntry(request(client));
    await put(again);
    const changed = (await readFile(file, "utf8")).replace("mine", "mine, changed").replace("other", "another");
    await writeFile(file, changed);
    await undo(again);
    expect(await readFile(file, "utf8")).toBe(
      existing(client).replace("mine", "mine, changed").replace("other", "another"),
    );
    // Twice does no harm.
    await undo(again);
  });

  it("never has the token in a project's file, in a reference, or through the bridge", async () => {
    const ways: ConnectRequest[] = [
      request(client, { isStdio: true }),
      ...(client.project === undefined ? [] : [request(client, { project: root })]),
      ...(client.reference === undefined ? [] : [request(client, { variable: "MY_TOKEN" })]),
    ];
    for (const way of ways) {
      const { text, via, variable } = await prepareEntry(way);
      expect(text).not.toContain(TOKEN);
      expect(text).toContain(via === "stdio" ? "/opt/pratique.mjs" : URL);
      expect(text).toContain(variable ?? "");
    }
  });
});

it("knows which are installed", async () => {
  await mkdir(join(root, ".cursor"));
  const states = await clientStates(join(root, "state"), places());
  expect(states.filter(({ isInstalled }) => isInstalled).map(({ client }) => client.name)).toEqual(["cursor"]);
});

it("says what it does not know, and what a client cannot do", async () => {
  expect(() => clientNamed("emacs")).toThrow(expect.objectContaining({ code: "connect.unknown-client" }) as Error);
  const desktop = clientNamed("claude-desktop");
  await expect(prepareEntry(request(desktop, { project: root }))).rejects.toMatchObject({ code: "connect.no-project" });
  const zed = request(clientNamed("zed"), { variable: "X" });
  await expect(prepareEntry(zed)).rejects.toMatchObject({ code: "connect.no-reference" });
});
