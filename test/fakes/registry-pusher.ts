// A process that pushes into a content store until it is killed, and says what was acknowledged.
import { spawn } from "node:child_process";
import { randomBytes, randomInt } from "node:crypto";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { digestOf, type Digest } from "@pratique/core";
import { MEDIA_TYPES, type LocalRepository } from "@pratique/oci";
import { openAnyStore } from "../support/any-store.ts";

export const PUSHER_REPOSITORIES = ["a", "a/b", "a/blobs"] as const;
const BIGGEST_BYTES = 200_000;

/** One line of the pusher: what had been promised when it was written. */
export type PusherLine =
  | { readonly type: "tagged"; readonly repository: string; readonly tag: string; readonly digest: Digest }
  /** From here on the tag may be gone. */
  | { readonly type: "deleting"; readonly repository: string; readonly tag: string }
  | { readonly type: "deleted"; readonly repository: string; readonly tag: string };

/** Lets a pusher run, kills it with SIGKILL some moments after its `lines`th line, and returns all that it said. */
export function runPusher(
  target: string,
  round: number,
  lines: number,
  compiled = `${target}-compiled`,
): Promise<PusherLine[]> {
  return new Promise((resolve, reject) => {
    const own = fileURLToPath(import.meta.url);
    // Compiled code is kept between rounds: most of a short life would be spent on loading.
    const env = { ...process.env, NODE_COMPILE_CACHE: compiled };
    const child = spawn(process.execPath, [own, target, String(round)], { stdio: ["ignore", "pipe", "inherit"], env });
    const said: PusherLine[] = [];
    createInterface({ input: child.stdout }).on("line", (line) => {
      // A line that was cut by the kill was not heard.
      if (!line.endsWith("}")) return;
      said.push(JSON.parse(line) as PusherLine);
      if (said.length === lines) setTimeout(() => child.kill("SIGKILL"), randomInt(30));
    });
    child.once("error", reject);
    child.once("close", (code, signal) => {
      if (signal === "SIGKILL") resolve(said);
      else reject(new Error(`the pusher ended by itself (${code})`));
    });
  });
}

function say(line: PusherLine): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

async function* slowly(bytes: Buffer): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += 50_000) {
    await new Promise((resolve) => setImmediate(resolve));
    yield bytes.subarray(at, at + 50_000);
  }
}

async function push(repository: LocalRepository, tag: string): Promise<void> {
  const config = { mediaType: MEDIA_TYPES.empty, ...(await repository.putBlob(Buffer.from("{}"))) };
  const bytes = randomBytes(randomInt(1, BIGGEST_BYTES));
  const algorithm = randomInt(4) === 0 ? "sha512" : "sha256";
  const layer = await repository.putBlob(slowly(bytes), { digest: digestOf(bytes, algorithm) });
  const layers = [{ mediaType: "application/octet-stream", ...layer }];
  const manifest = { schemaVersion: 2, mediaType: MEDIA_TYPES.imageManifest, config, layers };
  const { digest } = await repository.putManifest(
    Buffer.from(JSON.stringify(manifest)),
    MEDIA_TYPES.imageManifest,
    tag,
  );
  say({ type: "tagged", repository: repository.name, tag, digest });
}

async function remove(repository: LocalRepository, tag: string): Promise<void> {
  const descriptor = await repository.resolve(tag);
  if (descriptor === undefined) return;
  say({ type: "deleting", repository: repository.name, tag });
  const manifest = await repository.manifest(tag);
  await repository.deleteManifest(descriptor.digest);
  const { layers } = JSON.parse(Buffer.from(manifest!.bytes).toString()) as { layers: { digest: Digest }[] };
  for (const { digest } of layers) await repository.deleteBlob(digest);
  say({ type: "deleted", repository: repository.name, tag });
}

async function pushForever(repository: LocalRepository, prefix: string): Promise<never> {
  for (let count = 0; ; count += 1) {
    await push(repository, `${prefix}-${count}`);
    if (count % 2 === 1) await remove(repository, `${prefix}-${count}`);
  }
}

if (import.meta.main) {
  const store = await openAnyStore(process.argv[2]!);
  const workers = [...PUSHER_REPOSITORIES, PUSHER_REPOSITORIES[0]];
  await Promise.all(
    workers.map((name, worker) => pushForever(store.repository(name), `r${process.argv[3]}-${worker}`)),
  );
}
