// Keeps finished base layers: a layer file and a description, the description last, both durable.
import { randomBytes } from "node:crypto";
import { createReadStream } from "node:fs";
import { open, readFile, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { Digester, isDigest, type Digest } from "@pratique/core";
import { ensureDirectory, syncDirectory, writeFileDurably } from "@pratique/store";
import { z } from "zod";
import { gzipStream } from "../archive/gzip.ts";
import { removeStale } from "../stale-files.ts";
import { writeTar, type TarEntry } from "../archive/tar-writer.ts";

const DigestShape = z.custom<Digest>((value) => typeof value === "string" && isDigest(value));
const ComponentShape = z.object({
  type: z.enum(["application", "library", "operating-system", "file", "data"]),
  namespace: z.string().exactOptional(),
  name: z.string(),
  version: z.string().exactOptional(),
  purl: z.string().exactOptional(),
  licences: z.array(z.string()).exactOptional(),
  hashes: z.record(z.string(), z.string()).exactOptional(),
  source: z.object({ name: z.string(), version: z.string() }).exactOptional(),
  distribution: z.object({ id: z.string(), version: z.string() }).exactOptional(),
  locations: z.array(z.string()).exactOptional(),
  properties: z.record(z.string(), z.string()).exactOptional(),
});
const CachedBase = z.object({
  version: z.literal(2),
  description: z.string(),
  architecture: z.string(),
  digest: DigestShape,
  diffId: DigestShape,
  size: z.int().positive(),
  components: z.array(ComponentShape),
  materials: z.array(
    z.object({ uri: z.string(), digest: z.record(z.string(), z.string()), name: z.string().exactOptional() }),
  ),
});
export type CachedBase = z.infer<typeof CachedBase>;

const LAYER = "layer.tar.gz";
const DESCRIPTION = "base.json";
const PARTIAL = ".layer-";

export function layerPath(directory: string): string {
  return join(directory, LAYER);
}

/** What is cached in a directory, or `undefined` when there is nothing whole. */
export async function readCachedBase(directory: string): Promise<CachedBase | undefined> {
  try {
    const base = CachedBase.parse(JSON.parse(await readFile(join(directory, DESCRIPTION), "utf8")));
    return (await stat(layerPath(directory))).size === base.size ? base : undefined;
  } catch {
    return undefined;
  }
}

/** Writes the layer and its description; a reader sees both or neither. */
export async function writeCachedBase(
  directory: string,
  entries: readonly TarEntry[],
  facts: Pick<CachedBase, "description" | "architecture" | "components" | "materials">,
): Promise<CachedBase> {
  await ensureDirectory(directory);
  const partial = join(directory, `${PARTIAL}${randomBytes(6).toString("hex")}`);
  const stream = gzipStream(writeTar(entries), 1);
  const digester = new Digester();
  try {
    const file = await open(partial, "wx");
    try {
      await removeStale(directory, PARTIAL, partial);
      for await (const chunk of stream.compressed) {
        digester.update(chunk);
        await file.writeFile(chunk);
      }
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(partial, layerPath(directory));
    await syncDirectory(directory);
  } catch (error) {
    await rm(partial, { force: true });
    throw error;
  }
  const base: CachedBase = {
    version: 2,
    ...facts,
    digest: digester.digest(),
    diffId: stream.diffId(),
    size: digester.sizeBytes,
  };
  await writeFileDurably(join(directory, DESCRIPTION), JSON.stringify(base));
  return base;
}

export function openLayer(directory: string): AsyncIterable<Uint8Array> {
  return createReadStream(layerPath(directory), { highWaterMark: 256 * 1024 });
}

/** Forgets a base whose layer is not what its description says. */
export async function dropCachedBase(directory: string): Promise<void> {
  await rm(directory, { recursive: true, force: true });
}
