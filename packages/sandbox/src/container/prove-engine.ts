// The proof that an engine works: a container with every restriction of a sandbox runs, is restricted, and ends as it should.
import { randomUUID } from "node:crypto";
import { digestOf, readBounded } from "@pratique/core";
import { sandboxErrors } from "../errors.ts";
import { readConfinement, type Confinement } from "./confinement.ts";
import { homeLabel } from "./container-options.ts";
import { startContainer } from "./container-sandbox.ts";
import type { EngineApi } from "./engine-connection.ts";
import { reasonOf, withDeadline } from "./engine-call.ts";
import { GUEST_DIRECTORY, openGuestFiles } from "./guest-files.ts";
import { ensureArchive } from "./load-image.ts";
import { PROBE_EXIT_CODE, PROBE_PROGRAM, probeImage } from "./probe-image.ts";
import type { Ulimit } from "./ulimits.ts";

interface ProofOptions {
  readonly home: string;
  readonly runDirectory: string;
  readonly instance: string;
  readonly runtime: string | undefined;
  readonly ulimits: readonly Ulimit[];
  readonly signal: AbortSignal | undefined;
}

export interface Proof extends Confinement {
  readonly version: string;
  readonly isPodman: boolean;
  readonly architecture: "amd64" | "arm64";
  /** How a user namespace is asked for. */
  readonly userns: "mapped" | undefined;
  /** Why something is not there that could be. */
  readonly reasons: readonly string[];
}

const CALL_TIMEOUT_MS = 10_000;
const RUN_TIMEOUT_MS = 20_000;
const PROBE_MEMORY_BYTES = 64 * 1024 * 1024;
const OUTPUT_LIMIT = 64 * 1024;

/** @throws whatever the engine says, or `engine.unusable` */
export async function prove(api: EngineApi, options: ProofOptions): Promise<Proof> {
  const { docker } = api;
  const call = <T>(what: string, make: () => Promise<T>): Promise<T> =>
    withDeadline(what, CALL_TIMEOUT_MS, make, options.signal);
  const version = await call("tell its version", () => docker.version());
  if (version.Os !== "linux") throw sandboxErrors("engine.unusable", { reasons: `it runs ${version.Os} containers` });
  const architecture = version.Arch === "arm64" || version.Arch === "aarch64" ? "arm64" : "amd64";
  const engine = version.Components?.[0]?.Name ?? "Docker";
  const isPodman = /podman/i.test(engine);
  const image = await loadProbe(api, architecture);
  const { runtime } = options;
  const facts = {
    version: `${engine} ${version.Version}${runtime === undefined ? "" : ` with ${runtime}`}`,
    isPodman,
    architecture,
  } as const;
  const around = { ...options, ...facts, image };
  const reasons: string[] = [];
  // The strongest first; what an engine cannot do shows at once, since it refuses to make the container.
  const ways = [
    ...(isPodman ? [{ userns: "mapped", withFiles: true } as const] : []),
    { userns: undefined, withFiles: true },
    { userns: undefined, withFiles: false },
  ];
  for (const way of ways) {
    try {
      const confinement = await runProbe(api, around, way);
      if (way.withFiles && !confinement.hasGuestFiles) throw new Error("its containers do not reach our socket");
      return { ...facts, ...confinement, userns: way.userns, reasons };
    } catch (error) {
      options.signal?.throwIfAborted();
      if (!way.withFiles) throw error;
      const without = way.userns === undefined ? "no network or secrets" : "no user namespace";
      reasons.push(`${without}: ${reasonOf(error)}`);
    }
  }
  throw sandboxErrors("engine.unusable", { reasons: reasons.join("; ") });
}

type ProbeSurroundings = ProofOptions & Pick<Proof, "isPodman" | "architecture"> & { readonly image: string };

async function runProbe(
  api: EngineApi,
  { home, runDirectory, instance, ulimits, runtime, isPodman, architecture, image, signal }: ProbeSurroundings,
  { userns, withFiles }: { readonly userns: "mapped" | undefined; readonly withFiles: boolean },
): Promise<Confinement> {
  const guest = withFiles
    ? await openGuestFiles(runDirectory, instance, randomUUID().slice(0, 8), architecture, "none")
    : undefined;
  const command = withFiles
    ? [`${GUEST_DIRECTORY}/init`, "-p", "-u", `${GUEST_DIRECTORY}/host`]
    : [PROBE_PROGRAM, "-p"];
  const sandbox = await startContainer(
    api,
    { name: "probe", image, command, memoryBytes: PROBE_MEMORY_BYTES, network: "none" },
    { home: homeLabel(home), instance, ulimits, runtime, isPodman, userns, imageUser: "" },
    guest,
  );
  try {
    return await withDeadline(
      "run a container",
      RUN_TIMEOUT_MS,
      async () => {
        const text = await readBounded(sandbox.stdout, OUTPUT_LIMIT, "what a probe says");
        const { code } = await sandbox.exited;
        if (code !== PROBE_EXIT_CODE)
          throw sandboxErrors("engine.unusable", { reasons: `the probe ended with ${code}, not ${PROBE_EXIT_CODE}` });
        return readConfinement(Buffer.from(text).toString("latin1"));
      },
      signal,
    );
  } catch (error) {
    await sandbox.stop({ graceMs: 0 }).catch(() => undefined);
    throw error;
  }
}

async function loadProbe({ docker }: EngineApi, architecture: "amd64" | "arm64"): Promise<string> {
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
