// Scrub in a bucket: every content is read once and held against its digest, every index against what lies there.
import { algorithmOf, Digester, type Clock, type Digest } from "@pratique/core";
import { setTimeout as delay } from "node:timers/promises";
import type { ScrubFinding, ScrubOptions, ScrubReport } from "../maintenance.ts";
import type { BucketBlobs } from "./bucket-blobs.ts";
import type { BucketIndex } from "./bucket-index.ts";

const FINDINGS_LIMIT = 10_000;

export interface ScrubParts {
  readonly blobs: BucketBlobs;
  readonly clock: Clock;
  index(name: string): BucketIndex;
  layouts(): Promise<string[]>;
}

class Findings {
  readonly list: ScrubFinding[] = [];
  count = 0;

  add(finding: ScrubFinding): void {
    this.count += 1;
    if (this.list.length < FINDINGS_LIMIT) this.list.push(finding);
  }
}

export async function scrubBucket(parts: ScrubParts, options: ScrubOptions): Promise<ScrubReport> {
  const { bucket, keys } = parts.blobs;
  const findings = new Findings();
  const holders = new Map<Digest, string[]>();
  const sizes = new Map<Digest, number>();
  let blobs = 0;
  for await (const { key, size } of bucket.list(keys.root)) {
    const member = keys.memberIn(key);
    const digest = keys.digestIn(key);
    if (digest !== undefined && keys.isPooled(key)) sizes.set(digest, size);
    if (member === undefined) continue;
    blobs += 1;
    holders.set(member.digest, [...(holders.get(member.digest) ?? []), member.name]);
  }
  let bytes = 0;
  const pace = pacer(options, parts.clock);
  for (const [digest, size] of sizes) {
    options.signal?.throwIfAborted();
    const digester = new Digester(algorithmOf(digest));
    for await (const chunk of bucket.stream(keys.blob(digest), { start: 0, end: size - 1 })) {
      digester.update(chunk);
      bytes += chunk.byteLength;
      await pace(bytes);
    }
    if (digester.digest() === digest) continue;
    const isQuarantined = options.quarantine === true;
    if (isQuarantined) await quarantine(parts.blobs, digest, size, holders.get(digest) ?? []);
    for (const repository of holders.get(digest) ?? [""]) {
      const detail = `its content has digest ${digester.digest()}`;
      findings.add({ type: "wrong-digest", repository, digest, detail, isQuarantined });
    }
  }
  const names = await parts.layouts();
  for (const name of names.sort()) {
    options.signal?.throwIfAborted();
    await scrubRepository(parts, name, sizes, findings);
  }
  const { list, count: found } = findings;
  return { repositories: names.length, blobs, files: sizes.size, bytes, findings: list, found };
}

async function scrubRepository(
  parts: ScrubParts,
  name: string,
  sizes: ReadonlyMap<Digest, number>,
  findings: Findings,
): Promise<void> {
  const index = parts.index(name);
  try {
    const snapshot = await index.snapshot();
    for (const digest of await index.lost()) {
      const type = sizes.has(digest) ? "manifest-invalid" : "manifest-missing";
      findings.add({ type, repository: name, digest, detail: "it is listed and cannot be read", isQuarantined: false });
    }
    for (const [manifest, { content }] of snapshot.manifests) {
      for (const digest of [manifest, ...content]) {
        const size = await parts.blobs.sizeOf(name, digest);
        const there = sizes.get(digest);
        const detail = size === undefined ? "the repository has no mark of it" : "its content is gone";
        if (size === undefined || there === undefined)
          findings.add({ type: "blob-missing", repository: name, digest, manifest, detail, isQuarantined: false });
        else if (size !== there) {
          const detail = `it has ${there} bytes, not ${size}`;
          findings.add({ type: "wrong-size", repository: name, digest, manifest, detail, isQuarantined: false });
        }
      }
    }
  } catch (error) {
    if (!(error instanceof Error) || !("code" in error) || error.code !== "oci.layout-damaged") throw error;
    findings.add({ type: "layout-damaged", repository: name, detail: error.message, isQuarantined: false });
  }
}

/** Nobody is served it any more, and a push of the right content is taken again. */
async function quarantine(blobs: BucketBlobs, digest: Digest, size: number, names: readonly string[]): Promise<void> {
  const { bucket, keys } = blobs;
  await bucket.copy(keys.blob(digest), keys.quarantine(digest), size);
  for (const name of names) await blobs.release(name, digest);
  await bucket.delete(keys.blob(digest));
}

/** Waits as long as so many bytes should have taken. */
function pacer({ bytesPerSecond, signal }: ScrubOptions, clock: Clock): (bytes: number) => Promise<void> {
  const began = clock.now().getTime();
  return async (bytes) => {
    if (bytesPerSecond === undefined) return;
    const aheadMs = (bytes / bytesPerSecond) * 1000 - (clock.now().getTime() - began);
    if (aheadMs > 20) await delay(aheadMs, undefined, signal === undefined ? {} : { signal });
  };
}
