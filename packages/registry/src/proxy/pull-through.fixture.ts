// A registry that pulls through a fake one, for tests.
import { digestOf, manualClock, silentLog, type Digest, type ManualClock } from "@pratique/core";
import { evidenceOf, type Trust } from "@pratique/evidence";
import { MEDIA_TYPES } from "@pratique/oci";
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { FakeRegistry, type FakeRegistryOptions } from "../../../../test/fakes/registry-fake.ts";
import { startRegistry, type TestRegistry } from "../registry.fixture.ts";
import { openPullThrough } from "./pull-through.ts";
import type { UpstreamOptions } from "./upstream.ts";

export const FRESHNESS_MS = 60_000;

export interface PullThroughBench {
  readonly upstream: FakeRegistry;
  readonly registry: TestRegistry;
  readonly clock: ManualClock;
  /** Requests that came upstream, as `GET library/alpine/manifests/3`. */
  asked(): string[];
  stop(): Promise<void>;
}

export interface BenchOptions {
  readonly fake?: FakeRegistryOptions;
  readonly policy?: string;
  readonly trust?: Trust;
  readonly credentials?: UpstreamOptions["credentials"];
  /** Address of `docker.io`, when it is not the fake registry's. */
  readonly url?: string;
  readonly patienceMs?: number;
}

/** `docker.io` is a fake registry; `gone.example` is one that does not answer. */
export async function startBench(options: BenchOptions = {}): Promise<PullThroughBench> {
  const upstream = await FakeRegistry.start(options.fake);
  const clock = manualClock();
  const { trust = { keys: [] }, credentials } = options;
  const upstreams: UpstreamOptions[] = [
    {
      name: "docker.io",
      url: new URL(options.url ?? `http://${upstream.host}`),
      credentials,
      freshnessMs: FRESHNESS_MS,
      imageTypes: [{ repository: "library/*", type: "official" }],
    },
    { name: "gone.example", url: new URL("http://127.0.0.1:1"), freshnessMs: FRESHNESS_MS, imageTypes: [] },
    { name: "local.test:5000", url: new URL(`http://${upstream.host}`), freshnessMs: FRESHNESS_MS, imageTypes: [] },
  ];
  const registry = await startRegistry({
    ...(options.policy === undefined ? {} : { policy: options.policy }),
    pullThrough: (store, directory) =>
      openPullThrough({
        upstreams,
        store,
        partials: join(directory, ".pull-through"),
        checks: join(directory, ".checks"),
        evidence: (source, { descriptor }) => evidenceOf(source, descriptor, "image", trust),
        policyDigest: () => "",
        clock,
        log: silentLog,
        ...(options.patienceMs === undefined ? {} : { patienceMs: options.patienceMs }),
      }),
  });
  return {
    upstream,
    registry,
    clock,
    asked: () => upstream.requests.map(({ method, url }) => `${method} ${url.replace(/^\/v2\//, "")}`),
    async stop() {
      await upstream.close();
      await registry.stop();
    },
  };
}

export interface FakeImage {
  readonly digest: Digest;
  readonly manifest: Buffer;
  readonly config: Digest;
  readonly layer: Digest;
  readonly layerBytes: Buffer;
}

/** Puts an image with one layer into the fake registry, under a tag. */
export function putImage(upstream: FakeRegistry, name: string, tag: string, layerSize = 300_000): FakeImage {
  const repository = upstream.repository(name);
  const put = (bytes: Buffer): Digest => {
    const digest = digestOf(bytes);
    repository.blobs.set(digest, bytes);
    return digest;
  };
  const layerBytes = randomBytes(layerSize);
  const configBytes = Buffer.from(JSON.stringify({ architecture: "amd64", os: "linux", made: tag }));
  const config = put(configBytes);
  const layer = put(layerBytes);
  const manifest = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: MEDIA_TYPES.imageManifest,
      config: { mediaType: MEDIA_TYPES.imageConfig, digest: config, size: configBytes.length },
      layers: [{ mediaType: MEDIA_TYPES.layerTar, digest: layer, size: layerBytes.length }],
    }),
  );
  return {
    digest: putManifest(upstream, name, tag, manifest, MEDIA_TYPES.imageManifest),
    manifest,
    config,
    layer,
    layerBytes,
  };
}

export function putManifest(
  upstream: FakeRegistry,
  name: string,
  tag: string | undefined,
  bytes: Buffer,
  mediaType: string,
): Digest {
  const digest = digestOf(bytes);
  const repository = upstream.repository(name);
  repository.manifests.set(digest, { bytes, mediaType });
  if (tag !== undefined) repository.tags.set(tag, digest);
  return digest;
}
