// The way out of a sandbox, under the default policies.
import { readdirSync, readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer as createHttp, request, type Server as HttpServer } from "node:http";
import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buffer, text } from "node:stream/consumers";
import { connect as connectTls } from "node:tls";
import type { AuditRecord, WorkloadPrincipal } from "@pratique/contracts";
import { silentLog, systemClock } from "@pratique/core";
import { createGuard } from "@pratique/guard";
import { loadPolicySet } from "@pratique/policy";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { AllowList, type HostPort } from "./allow-list.ts";
import { EgressGate, type EgressOptions } from "./egress-gate.ts";

const POLICIES = new URL("../../../../policies/", import.meta.url);
const read = (name: string): string => readFileSync(new URL(name, POLICIES), "utf8");
const set = loadPolicySet({
  schema: read("pratique.cedarschema"),
  files: Object.fromEntries(
    readdirSync(POLICIES)
      .filter((name) => name.endsWith(".cedar"))
      .map((name) => [name, read(name)]),
  ),
});
const principal: WorkloadPrincipal = {
  type: "Workload",
  id: "spiffe://pratique.local/server/weather",
  groups: [],
  actingFor: { type: "User", id: "o", name: "Olga", groups: ["owner"] },
};

let records: AuditRecord[] = [];
let gates: EgressGate[] = [];
let asked: string[] = [];
let web: HttpServer;
let raw: Server;
let received: Buffer[] = [];
let webPort = 0;
let rawPort = 0;
let directory = "";
let sockets = 0;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "pratique-egress-"));
  [records, gates, asked, received] = [[], [], [], []];
  web = createHttp((req, res) => {
    void text(req).then((body) => res.end(`${req.method} ${req.url} ${req.headers.host} ${body}`));
  });
  raw = createServer((socket) => {
    socket.on("error", () => undefined);
    socket.on("data", (chunk: Buffer) => received.push(chunk));
    socket.write("hi ");
    socket.on("end", () => socket.end("bye"));
  });
  [webPort, rawPort] = await Promise.all([listening(web), listening(raw)]);
});
afterEach(async () => {
  for (const gate of gates) gate.close();
  web.closeAllConnections();
  web.close();
  raw.close();
  await rm(directory, { recursive: true, force: true });
});

async function listening(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return (server.address() as AddressInfo).port;
}

/** Names lead to 127.0.0.1, which the configuration names; others as `hosts` says. */
function gate(hosts: readonly string[], options: Partial<EgressOptions> = {}): EgressGate {
  const guard = createGuard({
    policy: () => set,
    audit: {
      append: async (body) => {
        const record = {
          ...body,
          version: 1 as const,
          id: `r${records.length}`,
          sequence: 0,
          time: "2026-01-01T00:00:00Z",
        };
        records.push(record);
        return record;
      },
    },
    clock: systemClock,
    log: silentLog,
  });
  const made = new EgressGate({
    guard,
    principal,
    allow: new AllowList(hosts),
    networks: ["127.0.0.0/8"],
    clock: systemClock,
    log: silentLog,
    resolver: async (host) => {
      asked.push(host);
      return ["127.0.0.1"];
    },
    ...options,
  });
  gates.push(made);
  return made;
}

/** A connection out of the sandbox: a Unix socket, as it is in life. */
async function inside(made: EgressGate, target?: HostPort): Promise<Socket> {
  const path = join(directory, `${(sockets += 1)}`);
  const host = createServer({ allowHalfOpen: true, pauseOnConnect: false }, (socket) => {
    host.close();
    made.handle(socket, target);
  });
  await new Promise<void>((resolve) => host.listen(path, resolve));
  return await new Promise((resolve) => {
    const socket = connect({ path, allowHalfOpen: true }, () => resolve(socket));
    socket.on("error", () => undefined);
  });
}

async function answer(made: EgressGate, ask: string): Promise<string> {
  const connection = await inside(made);
  connection.write(ask);
  return await text(connection);
}

/** Opens a tunnel; rejects with the proxy's answer when it is refused. */
async function tunnelled(made: EgressGate, authority: string): Promise<Socket> {
  const connection = await inside(made);
  return await new Promise((resolve, reject) => {
    const asking = request({ createConnection: () => connection, method: "CONNECT", path: authority });
    asking.once("connect", (response, socket: Socket, head) => {
      if (response.statusCode !== 200) {
        void text(socket).then((rest) => reject(new Error(`${response.statusCode} ${head.toString()}${rest}`)));
        return;
      }
      if (head.length > 0) socket.unshift(head);
      resolve(socket);
    });
    asking.once("error", reject);
    asking.end();
  });
}

const facts = () =>
  records.map(({ action, resource, outcome, policies, details }) => ({
    act: `${action} ${resource.id} ${outcome}`,
    by: policies[0]?.id,
    details,
  }));

describe("plain HTTP", () => {
  it("is sent on to a host that is named, and its bytes are recorded", async () => {
    const made = gate([`api.example:${webPort}`]);
    const got = await answer(
      made,
      `POST http://api.example:${webPort}/a?b HTTP/1.1\r\nHost: api.example:${webPort}\r\nContent-Length: 2\r\nProxy-Authorization: x\r\nConnection: close\r\n\r\nok`,
    );
    expect(got).toContain(`POST /a?b api.example:${webPort} ok`);
    await expect
      .poll(facts)
      .toMatchObject([
        { act: `egress:connect api.example:${webPort} done`, by: "egress-declared", details: { address: "127.0.0.1" } },
        { details: { of: "r0", bytesOut: expect.any(Number), bytesIn: expect.any(Number) } },
      ]);
  });

  it("is refused where the host is not named, and no name server is asked", async () => {
    const got = await answer(gate([]), "GET http://secret.evil.example/ HTTP/1.1\r\nHost: secret.evil.example\r\n\r\n");
    expect(got).toMatch(/^HTTP\/1.1 403/);
    expect(got).toContain("denied: policy egress.undeclared forbids secret.evil.example:80");
    expect(asked).toEqual([]);
    expect(facts()).toMatchObject([{ act: "egress:connect secret.evil.example:80 denied", by: "egress.undeclared" }]);
  });

  it.each([
    ["another host in the header", "GET http://a.example/ HTTP/1.1\r\nHost: b.example\r\n\r\n"],
    ["another port in the header", "GET http://a.example/ HTTP/1.1\r\nHost: a.example:81\r\n\r\n"],
    ["no address at all", "GET / HTTP/1.1\r\nHost: a.example\r\n\r\n"],
    ["another scheme", "GET ftp://a.example/ HTTP/1.1\r\nHost: a.example\r\n\r\n"],
    ["somebody's name in the address", "GET http://a.example@b.example/ HTTP/1.1\r\nHost: a.example\r\n\r\n"],
    [
      "two lengths",
      "POST http://a.example/ HTTP/1.1\r\nHost: a.example\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    ],
  ])("with %s goes nowhere", async (_, ask) => {
    const got = await answer(gate(["a.example:80", "b.example:80"]), ask);
    expect(got).not.toMatch(/^HTTP\/1.1 2/);
    expect(records).toEqual([]);
  });

  it("to a host that is found by name may only ask for that host", async () => {
    const target = { host: "api.example", port: 80 };
    const made = gate(["api.example:80", "other.example:80"]);
    const connection = await inside(made, target);
    connection.end("GET / HTTP/1.1\r\nHost: other.example\r\n\r\n");
    expect(await text(connection)).toMatch(/^HTTP\/1.1 400/);
    const wrong = await inside(made, target);
    wrong.end("GET http://other.example/ HTTP/1.1\r\nHost: other.example\r\n\r\n");
    expect(await text(wrong)).toMatch(/^HTTP\/1.1 400/);
    expect(records).toEqual([]);
  });
});

describe("plain HTTP of somebody hostile", () => {
  const said = (): string => Buffer.concat(received).toString("latin1");

  it.each([
    ["Transfer-Encoding: chunked\r\n\r\n", (body: string) => `${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`],
    ["Connection: content-length\r\nContent-Length: SIZE\r\n\r\n", (body: string) => body],
  ])("sends no second request in the body of a first (%j)", async (head, framed) => {
    const body = "GET / HTTP/1.1\r\nHost: other.example\r\n\r\n";
    const connection = await inside(gate([`api.example:${rawPort}`]));
    const start = `GET http://api.example:${rawPort}/ HTTP/1.1\r\nHost: api.example:${rawPort}\r\n`;
    connection.write(`${start}${head.replace("SIZE", String(body.length))}${framed(body)}`);
    await expect.poll(said).toContain("other.example");
    const sent = said();
    expect(sent.slice(0, sent.indexOf("\r\n\r\n"))).toMatch(/^(content-length: \d+|transfer-encoding: chunked)$/im);
    connection.destroy();
  });

  it.each([
    ["no status", "HTTP/1.1 000 X\r\ncontent-length: 0\r\n\r\n"],
    ["another protocol", "HTTP/1.1 101 X\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n"],
  ])("is answered with 502 when the host's answer is %s", async (_, answered) => {
    const odd = createServer((socket) => socket.on("error", () => undefined).write(answered));
    const port = await listening(odd);
    const got = await answer(
      gate([`api.example:${port}`]),
      `GET http://api.example:${port}/ HTTP/1.1\r\nHost: api.example:${port}\r\nConnection: close\r\n\r\n`,
    );
    odd.close();
    expect(got).toMatch(/^HTTP\/1.1 502/);
    await expect.poll(facts).toMatchObject([{}, { details: { cut: "failed" } }]);
  });

  it("has few requests without an answer on a connection", async () => {
    const connection = await inside(gate([]));
    connection.write("GET http://a.example/ HTTP/1.1\r\nHost: a.example\r\n\r\n".repeat(50));
    await text(connection).catch(() => "");
    expect(records.length).toBeLessThanOrEqual(4);
  });

  it("is forgotten when whoever waited for his turn is gone", async () => {
    const made = gate([], { clock: { now: () => new Date(0) } });
    const ask = "GET http://a.example/ HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n";
    for (let at = 0; at < 200; at++) await answer(made, ask);
    const gone = await inside(made);
    await new Promise((resolve) => gone.write(ask, resolve));
    gone.destroy();
    expect(await answer(made, ask)).toMatch(/^HTTP\/1.1 403/);
    expect(records.length).toBe(201);
  });
});

describe("a tunnel", () => {
  it("carries any protocol to a host that is named, whoever speaks first", async () => {
    const socket = await tunnelled(gate([`db.example:${rawPort}`]), `db.example:${rawPort}`);
    socket.end("query");
    expect((await buffer(socket)).toString()).toBe("hi bye");
    expect(Buffer.concat(received).toString()).toBe("query");
    await expect
      .poll(facts)
      .toMatchObject([
        { act: `egress:connect db.example:${rawPort} done` },
        { details: { of: "r0", bytesOut: 5, bytesIn: 6 } },
      ]);
  });

  it.each(["noport", "nowhere.example:22", "127.0.0.1:22", "[::1]:22", "db.example:1"])(
    "to %s is refused",
    async (to) => {
      await expect(tunnelled(gate(["db.example:22"]), to)).rejects.toThrow(/^40[03] /);
    },
  );

  it("never lets TLS for another name out, however it is cut", async () => {
    const made = gate([`api.example:${rawPort}`]);
    const socket = await tunnelled(made, `api.example:${rawPort}`);
    const tls = connectTls({ socket, servername: "evil.example" });
    await expect(new Promise((resolve, reject) => tls.once("close", resolve).once("error", reject))).rejects.toThrow(
      /closed|disconnected|reset|hang up/i,
    );
    expect(received).toEqual([]);
    await expect.poll(facts).toMatchObject([{}, { details: { cut: "server-name-mismatch" } }]);
  });

  it("lets TLS for its own name out", async () => {
    const socket = await tunnelled(gate([`api.example:${rawPort}`]), `api.example:${rawPort}`);
    connectTls({ socket, servername: "api.example" }).on("error", () => undefined);
    await expect.poll(() => received[0]?.[0]).toBe(22);
  });

  it("goes to the address that was checked, and asks once", async () => {
    let turn = 0;
    const made = gate([`api.example:${rawPort}`], {
      networks: ["127.0.0.1/32"],
      resolver: async () => ((turn += 1), turn === 1 ? ["127.0.0.1"] : ["169.254.169.254"]),
    });
    const socket = await tunnelled(made, `api.example:${rawPort}`);
    socket.end();
    await buffer(socket);
    expect(turn).toBe(1);
    await expect(tunnelled(made, `api.example:${rawPort}`)).rejects.toThrow("egress.private-address");
  });

  it.each([
    ["10.0.0.1", "private"],
    ["169.254.169.254", "metadata"],
    ["::1", "loopback"],
    ["::ffff:127.0.0.1", "loopback"],
  ])("to a name that leads to %s is refused", async (address, addressKind) => {
    const made = gate([`api.example:${rawPort}`], { networks: [], resolver: async () => [address] });
    await expect(tunnelled(made, `api.example:${rawPort}`)).rejects.toThrow(/^403 /);
    expect(facts()).toMatchObject([{ by: "egress.private-address", details: { context: { addressKind } } }]);
  });

  it("to a metadata service is refused also in a network that is named", async () => {
    const options = { networks: ["0.0.0.0/0"], resolver: async () => ["169.254.169.254"] };
    await expect(tunnelled(gate([`api.example:${rawPort}`], options), `api.example:${rawPort}`)).rejects.toThrow(
      /^403 /,
    );
  });

  it("to an address that is named itself is opened", async () => {
    const socket = await tunnelled(gate([`127.0.0.1:${rawPort}`], { networks: [] }), `127.0.0.1:${rawPort}`);
    socket.end();
    expect((await buffer(socket)).toString()).toBe("hi bye");
  });

  it.each(["127.0.0.1", "0x7f.1", "169.254.169.254", "[::1]", "[::ffff:127.0.0.1]", "10.0.0.1"])(
    "to %s is refused where nobody named that address",
    async (address) => {
      const any = gate(["*:*"], { networks: [] });
      await expect(tunnelled(any, `${address}:${rawPort}`)).rejects.toThrow("egress.private-address");
      const watched = gate([], { networks: [], learning: () => true });
      await expect(tunnelled(watched, `${address}:${rawPort}`)).rejects.toThrow("egress.private-address");
    },
  );

  it("to localhost is refused where nobody named it", async () => {
    const options = { networks: [], learning: () => true };
    await expect(tunnelled(gate([], options), `localhost:${rawPort}`)).rejects.toThrow("egress.private-address");
  });

  it("of one that is watched is tried only when policy is told to let it", async () => {
    const seen: [string, boolean][] = [];
    let isLearning = false;
    const made = gate([], {
      learning: () => isLearning,
      onAttempt: ({ host, port }, isAllowed) => seen.push([`${host}:${port}`, isAllowed]),
    });
    await expect(tunnelled(made, `new.example:${rawPort}`)).rejects.toThrow(/^403 /);
    isLearning = true;
    const socket = await tunnelled(made, `new.example:${rawPort}`);
    socket.end();
    await buffer(socket);
    expect(seen).toEqual([
      [`new.example:${rawPort}`, false],
      [`new.example:${rawPort}`, true],
    ]);
    expect(facts()[1]).toMatchObject({ by: "egress-learning" });
  });

  it("says that a host does not answer", async () => {
    const free = createServer();
    const port = await listening(free);
    await new Promise((resolve) => free.close(resolve));
    await expect(tunnelled(gate([`api.example:${port}`]), `api.example:${port}`)).rejects.toThrow(/^502 /);
    expect(facts()).toMatchObject([{ act: `egress:connect api.example:${port} failed` }]);
  });
});

it("opens no more connections than it may, and closes them all", async () => {
  const made = gate([]);
  const many = await Promise.all(Array.from({ length: 140 }, () => inside(made)));
  for (const connection of many) connection.resume();
  const ended = () => many.filter(({ readableEnded, destroyed }) => readableEnded || destroyed).length;
  await expect.poll(ended).toBe(140 - 128);
  made.close();
  await expect.poll(ended).toBe(140);
});
