// kill -9 during pushes with webhooks and quotas: the history of tags tells no lie, no event of an acknowledged push is
// lost, and a quota counts what is there.
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { readdir, stat, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import { createServer as createSocket } from "node:net";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { RegistryEvent } from "@pratique/contracts";
import { afterAll, beforeAll, expect, it } from "vitest";
import { startDaemon, temporaryHome, type Daemon } from "../support/program.ts";

const KILLS = 12;
const TAGS = ["a", "b", "c"];
const REPOSITORIES = ["team/one", "team/two"];
const LIMIT = 40_000_000;

let place: Awaited<ReturnType<typeof temporaryHome>>;
let daemon: Daemon | undefined;
let sink: Server;
/** Ids of the events that the webhook took, and what they say. */
const told = new Map<string, RegistryEvent>();

async function freePort(): Promise<number> {
  const socket = createSocket().listen(0, "127.0.0.1");
  await once(socket, "listening");
  const address = socket.address();
  socket.close();
  return typeof address === "object" && address !== null ? address.port : 0;
}

beforeAll(async () => {
  place = await temporaryHome();
  let calls = 0;
  sink = createServer((req, res) => {
    const chunks: Buffer[] = [];
    req.on("data", (chunk: Buffer) => chunks.push(chunk));
    req.on("end", () => {
      // Every seventh is refused: what was not taken has to come again.
      if ((calls += 1) % 7 === 0) return void res.writeHead(503, { "Retry-After": "1" }).end();
      const event = JSON.parse(Buffer.concat(chunks).toString()) as RegistryEvent;
      told.set(event.id, event);
      res.writeHead(204).end();
    });
  }).listen(0, "127.0.0.1");
  await once(sink, "listening");
  const address = sink.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  await writeFile(
    join(place.home, "pratique.yaml"),
    JSON.stringify({
      registry: {
        quotas: [{ repository: "team/**", bytes: LIMIT }],
        webhooks: {
          sink: { url: `http://127.0.0.1:${port}/`, events: ["tag.moved", "artifact.pushed"], attempts: 100 },
        },
      },
    }),
  );
});
afterAll(async () => {
  await daemon?.stop();
  sink.closeAllConnections();
  sink.close();
  await place.remove();
});

const digestOf = (bytes: Buffer | string): string => `sha256:${createHash("sha256").update(bytes).digest("hex")}`;

interface Acknowledged {
  readonly repository: string;
  readonly tag: string;
  readonly digest: string;
}

/** Pushes images until the daemon is gone; what was answered with 201 is acknowledged. */
async function pushOn(to: Daemon, repository: string, tag: string, acknowledged: Acknowledged[]): Promise<void> {
  const send = async (method: string, path: string, body: Buffer | string, type: string): Promise<boolean> => {
    const headers = { authorization: `Bearer ${to.token}`, "content-type": type };
    const answer = await fetch(`${to.url}/v2/${repository}/${path}`, {
      method,
      body: Uint8Array.from(Buffer.from(body)),
      headers,
    });
    await answer.arrayBuffer();
    return answer.status === 201;
  };
  const octets = "application/octet-stream";
  for (;;) {
    const layer = randomBytes(20_000);
    const [config, digest] = ["{}", digestOf(layer)];
    const manifestType = "application/vnd.oci.image.manifest.v1+json";
    const manifest = JSON.stringify({
      schemaVersion: 2,
      mediaType: manifestType,
      config: { mediaType: "application/vnd.oci.image.config.v1+json", digest: digestOf(config), size: 2 },
      layers: [{ mediaType: "application/vnd.oci.image.layer.v1.tar", digest, size: layer.length }],
    });
    try {
      await send("POST", `blobs/uploads/?digest=${digestOf(config)}`, config, octets);
      await send("POST", `blobs/uploads/?digest=${digest}`, layer, octets);
      if (await send("PUT", `manifests/${tag}`, manifest, manifestType)) {
        acknowledged.push({ repository, tag, digest: digestOf(manifest) });
      }
    } catch {
      return;
    }
  }
}

async function bytesOnDisk(repository: string): Promise<number> {
  const directory = join(place.home, "registry", repository, "blobs", "sha256");
  let sum = 0;
  for (const name of await readdir(directory)) sum += (await stat(join(directory, name))).size;
  return sum;
}

async function checkHistory(
  { client }: Daemon,
  repository: string,
  tag: string,
  last: string | undefined,
): Promise<void> {
  const history = await client.history(`${repository}:${tag}`);
  // Newest first: every move begins where the one before it ended, and the newest is what the tag names.
  expect(history.moves[0]?.to).toBe(history.digest);
  for (const [at, move] of history.moves.entries()) {
    expect(move.from).toBe(history.moves[at + 1]?.to);
    expect(move.principal?.type).toBe("User");
  }
  if (last === undefined) return;
  const known = history.moves.find(({ to }) => to === last);
  expect(known?.record).toBeDefined();
}

it(
  `tells no lie after ${KILLS} kills`,
  async () => {
    const listen = `127.0.0.1:${await freePort()}`;
    const acknowledged: Acknowledged[] = [];
    daemon = await startDaemon(place.home, { listen });
    for (let kill = 0; kill < KILLS; kill += 1) {
      const running = daemon;
      const pushing = REPOSITORIES.flatMap((repository) =>
        TAGS.map((tag) => pushOn(running, repository, tag, acknowledged)),
      );
      await delay(150 + Math.floor(Math.random() * 400));
      await running.kill();
      await Promise.all(pushing);
      daemon = await startDaemon(place.home, { listen });
      for (const repository of REPOSITORIES) {
        for (const tag of TAGS) {
          const last = acknowledged.findLast((one) => one.repository === repository && one.tag === tag);
          if (last !== undefined) await checkHistory(daemon, repository, tag, last.digest);
        }
      }
      for (const { repository, bytes } of await daemon.client.quotas()) {
        expect([repository, bytes.used]).toEqual([repository, await bytesOnDisk(repository)]);
      }
    }
    expect(acknowledged.length).toBeGreaterThan(KILLS);
    const missing = (): Acknowledged[] => {
      const moved = new Set([...told.values()].map(({ data }) => `${data["repository"]}:${data["tag"]} ${data["to"]}`));
      return acknowledged.filter(({ repository, tag, digest }) => !moved.has(`${repository}:${tag} ${digest}`));
    };
    await expect.poll(missing, { timeout: 90_000, interval: 500 }).toEqual([]);
    // What the webhook was told is what happened, no more.
    const list = await daemon.client.events({ after: 0, limit: 1000 });
    const known = new Set(list.map(({ event }) => event.id));
    const isWhole = list.length < 1000;
    expect([...told.keys()].filter((id) => isWhole && !known.has(id))).toEqual([]);
  },
  5 * 60_000,
);
