// The proof that an engine works: a container with every restriction of a sandbox runs and ends as it should.
import type Docker from "dockerode";
import { digestOf } from "@pratique/core";
import { sandboxErrors } from "../errors.ts";
import { containerOptions, homeLabel } from "./container-options.ts";
import { withDeadline } from "./engine-call.ts";
import { ensureArchive } from "./load-image.ts";
import { PROBE_EXIT_CODE, probeImage } from "./probe-image.ts";
import type { Ulimit } from "./ulimits.ts";

interface ProofOptions {
  readonly home: string;
  readonly instance: string;
  readonly runtime: string | undefined;
  readonly ulimits: readonly Ulimit[];
  readonly signal: AbortSignal | undefined;
}

const CALL_TIMEOUT_MS = 10_000;
const RUN_TIMEOUT_MS = 20_000;
const PROBE_MEMORY_BYTES = 64 * 1024 * 1024;

/** @throws whatever the engine says, or `engine.unusable` */
export async function prove(
  docker: Docker,
  { home, instance, runtime, ulimits, signal }: ProofOptions,
): Promise<{ version: string; isPodman: boolean }> {
  const call = <T>(what: string, make: () => Promise<T>): Promise<T> =>
    withDeadline(what, CALL_TIMEOUT_MS, make, signal);
  const version = await call("tell its version", () => docker.version());
  if (version.Os !== "linux") throw sandboxErrors("engine.unusable", { reasons: `it runs ${version.Os} containers` });
  const architecture = version.Arch === "arm64" || version.Arch === "aarch64" ? "arm64" : "amd64";
  const engine = version.Components?.[0]?.Name ?? "Docker";
  const isPodman = /podman/i.test(engine);
  const image = await loadProbe(docker, architecture);
  const options = containerOptions(
    { name: "probe", image, memoryBytes: PROBE_MEMORY_BYTES, network: "none" },
    { home: homeLabel(home), instance, ulimits, runtime, isPodman, imageUser: "" },
  );
  // Removed by hand: what ends at once may be gone before its exit code is asked for.
  const container = await call("create a container", () =>
    docker.createContainer({ ...options, HostConfig: { ...options.HostConfig, AutoRemove: false } }),
  );
  try {
    await call("start a container", () => container.start());
    const { StatusCode } = (await withDeadline("run a container", RUN_TIMEOUT_MS, () => container.wait(), signal)) as {
      StatusCode: number;
    };
    if (StatusCode !== PROBE_EXIT_CODE)
      throw sandboxErrors("engine.unusable", { reasons: `the probe ended with ${StatusCode}, not ${PROBE_EXIT_CODE}` });
  } finally {
    await withDeadline("remove a container", CALL_TIMEOUT_MS, () => container.remove({ force: true })).catch(
      () => undefined,
    );
  }
  return { version: `${engine} ${version.Version}${runtime === undefined ? "" : ` with ${runtime}`}`, isPodman };
}

async function loadProbe(docker: Docker, architecture: "amd64" | "arm64"): Promise<string> {
  const { manifest, config, layer } = await probeImage(architecture);
  const blob = (bytes: Buffer) => ({ digest: digestOf(bytes), size: bytes.length, open: async () => chunks(bytes) });
  return await ensureArchive(docker, {
    manifest: { mediaType: "application/vnd.oci.image.manifest.v1+json", digest: digestOf(manifest), bytes: manifest },
    config: blob(config),
    layers: [blob(layer)],
    name: `localhost/pratique/probe:${architecture}`,
  });
}

async function* chunks(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
