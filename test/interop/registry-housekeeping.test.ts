// skopeo and oras meet immutable tags, quotas and retention of a real daemon; the command line shows what happened.
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { silentLog, systemClock } from "@pratique/core";
import { MEDIA_TYPES, openContentStore } from "@pratique/oci";
import type { RetentionReport, TagHistory } from "@pratique/contracts";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { pratique, startDaemon, temporaryHome, type Daemon } from "../support/program.ts";
import { peerOrSkip, type PeerResult } from "./peers/debian-sid.ts";

let place: Awaited<ReturnType<typeof temporaryHome>>;
let daemon: Daemon;
let host = "";
const layouts: string[] = [];

beforeAll(async () => {
  place = await temporaryHome();
  const registry = {
    immutableTags: [{ repository: "team/**", tags: ["semver"] }],
    quotas: [{ repository: "small/**", bytes: "64KiB" }],
    history: { keepLast: 0, keepFor: "1s" },
    retention: { rules: [{ repository: "retained", keepTags: [{ tags: ["stays"] }] }] },
  };
  await writeFile(join(place.home, "pratique.yaml"), JSON.stringify({ registry }));
  daemon = await startDaemon(place.home);
  host = new URL(daemon.url).host;
  for (const text of ["one", "two"]) layouts.push(await makeLayout(text));
});
afterAll(async () => {
  await daemon.stop();
  await place.remove();
});

/** An image in a layout that has nothing to do with the daemon. */
async function makeLayout(text: string): Promise<string> {
  const root = join(place.home, `source-${text}`);
  const store = await openContentStore(root, { clock: systemClock, log: silentLog });
  const repository = store.repository("image");
  const layer = await repository.putBlob(Buffer.from(text.repeat(50)));
  const settings = { architecture: "amd64", os: "linux", rootfs: { type: "layers", diff_ids: [layer.digest] } };
  const config = await repository.putBlob(Buffer.from(JSON.stringify({ ...settings, config: { Labels: { text } } })));
  const manifest = {
    schemaVersion: 2,
    mediaType: MEDIA_TYPES.imageManifest,
    config: { mediaType: MEDIA_TYPES.imageConfig, ...config },
    layers: [{ mediaType: MEDIA_TYPES.layerTar, ...layer }],
  };
  await repository.putManifest(Buffer.from(JSON.stringify(manifest)), MEDIA_TYPES.imageManifest, "x");
  await store.close();
  return join(root, "image");
}

const skopeo = (...args: string[]): Promise<PeerResult> => run(["skopeo", ...args]);

function run([program = "", ...args]: readonly string[]): Promise<PeerResult> {
  const environment = { PATH: process.env["PATH"] ?? "", HOME: place.home, TMPDIR: place.home };
  const child = spawn(program, args, { env: environment, stdio: ["ignore", "pipe", "pipe"] });
  const output = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const) {
    child[name].setEncoding("utf8").on("data", (text: string) => (output[name] += text));
  }
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => resolve({ code: code ?? -1, ...output }));
  });
}

const push = (layout: number, to: string): Promise<PeerResult> =>
  skopeo(
    "copy",
    "--dest-tls-verify=false",
    `--dest-creds=owner:${daemon.token}`,
    `oci:${layouts[layout]}:x`,
    `docker://${host}/${to}`,
  );

describe("skopeo", () => {
  it("is told why it may not move an immutable tag", async () => {
    expect((await push(0, "team/app:1.0.0")).code).toBe(0);
    const refused = await push(1, "team/app:1.0.0");
    expect(refused.code).not.toBe(0);
    expect(refused.stderr).toContain("team/app:1.0.0 is immutable and cannot be moved");
    expect((await push(0, "team/app:1.0.0")).code).toBe(0);
    const deleted = await skopeo(
      "delete",
      "--tls-verify=false",
      `--creds=owner:${daemon.token}`,
      `docker://${host}/team/app:1.0.0`,
    );
    expect(deleted.code).not.toBe(0);
    expect(deleted.stderr).toContain("immutable");
  });
});

describe("oras", () => {
  it("is told what a repository may hold", async (context) => {
    const oras = await peerOrSkip(context, "oras");
    const file = join(place.home, "large.bin");
    await writeFile(file, randomBytes(100_000));
    const args = ["push", "--plain-http", "-u", "owner", "-p", daemon.token, "--disable-path-validation"];
    const refused = await oras.run([...args, `${host}/small/app:1`, `${file}:application/octet-stream`]);
    expect(refused.code).not.toBe(0);
    expect(refused.stderr + refused.stdout).toContain("may hold 65536 bytes");
  });
});

describe("pratique", () => {
  const { stringify } = JSON;

  it("shows the history of a tag and goes back in it", async () => {
    await push(0, "team/web:latest");
    await push(1, "team/web:latest");
    const before = (await pratique(["history", "team/web:latest", "--json"], place)).json<TagHistory>();
    expect(before.moves.map(({ action }) => action)).toEqual(["artifact:push", "artifact:push"]);
    const why = await pratique(["why", before.moves[0]!.record!], place);
    expect(why.stdout).toContain("artifact:push");
    expect((await pratique(["rollback", "team/web:latest"], place)).code).toBe(0);
    const after = (await pratique(["history", "team/web:latest", "--json"], place)).json<TagHistory>();
    expect([after.digest, after.moves.length]).toEqual([before.moves[0]?.from, 3]);
    const raw = await skopeo(
      "inspect",
      "--raw",
      "--tls-verify=false",
      `--creds=owner:${daemon.token}`,
      `docker://${host}/team/web:latest`,
    );
    expect(raw.code).toBe(0);
  });

  it("rolls an immutable tag back only when policy allows it", async () => {
    const target = (await pratique(["history", "team/web:latest", "--json"], place)).json<TagHistory>().moves[0]!.from!;
    await push(1, "team/app:latest");
    const refused = await pratique(["rollback", "team/app:1.0.0", "--to", target], place);
    expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining("registry.tag-immutable")]);
    const denied = await pratique(["rollback", "team/app:1.0.0", "--to", target, "--override-immutable"], place);
    expect([denied.code, denied.stderr]).toEqual([3, expect.stringContaining("tags.immutable")]);
  });

  it("sees tags that the daemon itself moves", async () => {
    const pack = join(import.meta.dirname, "../../examples/voyage/skill/harbour-notes");
    await pratique(["pack", pack, "team/notes:dev"], place);
    const { moves } = (await pratique(["history", "team/notes:dev", "--json"], place)).json<TagHistory>();
    expect(moves).toMatchObject([{ action: "artifact:push", principal: { type: "User" } }]);
    expect(moves[0]?.record).toBeDefined();
  });

  it("deletes what retention said it would", async () => {
    await push(0, "retained:stays");
    await push(1, "retained:goes");
    const dry = (await pratique(["registry", "retention", "--dry-run", "--json"], place)).json<RetentionReport>();
    expect(dry.removed.map(({ tag }) => tag)).toEqual(["goes", undefined]);
    const real = (await pratique(["registry", "retention", "--json"], place)).json<RetentionReport>();
    expect(real.removed).toEqual(dry.removed);
    const tags = await fetch(`${daemon.url}/v2/retained/tags/list`, { headers: bearer() });
    expect(await tags.json()).toEqual({ name: "retained", tags: ["stays"] });
  });

  it("sends events to who reads them, going on after the last", async () => {
    const list = await daemon.client.events({ after: 0, limit: 1000 });
    const seen = new Set(list.map(({ event }) => event.type.replace("dev.pratique.registry.", "")));
    for (const type of ["artifact.pushed", "tag.moved", "artifact.denied", "artifact.deleted", "retention.run"]) {
      expect(seen).toContain(type);
    }
    const third = list[2]!;
    const answer = await fetch(`${daemon.url}/control/v1/events`, {
      headers: { ...bearer(), "Last-Event-ID": String(third.sequence) },
    });
    expect(answer.headers.get("content-type")).toBe("text/event-stream");
    let text = "";
    const reader = answer.body!.getReader();
    while (!text.includes("data: ")) text += new TextDecoder().decode((await reader.read()).value);
    await reader.cancel();
    expect(text).toContain(`id: ${list[3]!.sequence}\n`);
    expect(text).toContain(`data: ${stringify(list[3]!.event)}\n`);
    const stranger = await fetch(`${daemon.url}/control/v1/events`);
    expect(stranger.status).toBe(401);
  });

  it("shows quotas", async () => {
    const { stdout } = await pratique(["registry", "quota"], place);
    expect(stdout).toMatch(/retained\s+\d/);
    expect((await pratique(["registry", "webhooks"], place)).stderr).toContain("no webhooks");
  });
});

function bearer(): { authorization: string } {
  return { authorization: `Bearer ${daemon.token}` };
}
