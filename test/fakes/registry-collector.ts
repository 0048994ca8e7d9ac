// A process that pushes, leaves blobs lying about and collects them, until it is killed.
import { spawn } from "node:child_process";
import { randomBytes, randomInt } from "node:crypto";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { manualClock, silentLog, type ManualClock } from "@pratique/core";
import { MEDIA_TYPES, openContentStore, type ContentStore } from "@pratique/oci";

export const COLLECTED_REPOSITORIES = ["a", "a/b"] as const;
const HOUR_MS = 3_600_000;

/** Lets a collector run, kills it with SIGKILL some moments after its `lines`th tag, and returns `repository:tag` of all. */
export function runCollector(root: string, round: number, lines: number): Promise<string[]> {
  return new Promise((resolve, reject) => {
    const own = fileURLToPath(import.meta.url);
    const env = { ...process.env, NODE_COMPILE_CACHE: `${root}-compiled` };
    const child = spawn(process.execPath, [own, root, String(round)], { stdio: ["ignore", "pipe", "inherit"], env });
    const tagged: string[] = [];
    createInterface({ input: child.stdout }).on("line", (line) => {
      // A line that was cut by the kill was not heard.
      if (!line.endsWith(".")) return;
      tagged.push(line.slice(0, -1));
      if (tagged.length === lines) setTimeout(() => child.kill("SIGKILL"), randomInt(30));
    });
    child.once("error", reject);
    child.once("close", (code, signal) => {
      if (signal === "SIGKILL") resolve(tagged);
      else reject(new Error(`the collector ended by itself (${code})`));
    });
  });
}

/** Each push shares its layer with a blob that nobody needs in the other repository. */
async function push(store: ContentStore, name: string, tag: string): Promise<void> {
  const repository = store.repository(name);
  const config = { mediaType: MEDIA_TYPES.empty, ...(await repository.putBlob(Buffer.from("{}"))) };
  const layer = {
    mediaType: "application/octet-stream",
    ...(await repository.putBlob(randomBytes(randomInt(1, 9000)))),
  };
  for (const other of COLLECTED_REPOSITORIES) {
    await store.repository(other).mountBlob(layer.digest, name);
    for (let orphans = randomInt(8); orphans > 0; orphans -= 1) await store.repository(other).putBlob(randomBytes(99));
  }
  const manifest = { schemaVersion: 2, mediaType: MEDIA_TYPES.imageManifest, config, layers: [layer] };
  await repository.putManifest(Buffer.from(JSON.stringify(manifest)), MEDIA_TYPES.imageManifest, tag);
  process.stdout.write(`${name}:${tag}.\n`);
}

async function collectForever(store: ContentStore, clock: ManualClock, round: string): Promise<never> {
  for (let count = 0; ; count += 1) {
    for (const name of COLLECTED_REPOSITORIES) await push(store, name, `r${round}-${count}`);
    clock.advance(2 * HOUR_MS);
    await store.collect({ graceMs: HOUR_MS });
  }
}

if (import.meta.main) {
  const clock = manualClock(new Date());
  const store = await openContentStore(process.argv[2]!, { clock, log: silentLog });
  await collectForever(store, clock, process.argv[3]!);
}
