// Finds an engine that really starts a container, by starting one: sockets that exist, versions and `info` prove nothing.
import { randomUUID } from "node:crypto";
import { access, constants, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { digestOf, isPratiqueError, type Log, type PratiqueError } from "@pratique/core";
import { sandboxErrors } from "../errors.ts";
import { candidateName, engineCandidates, type CandidateOptions, type EngineCandidate } from "./engine-candidates.ts";
import { foreignEngine, type EngineConnection } from "./engine-connection.ts";
import { PodmanService, type PodmanVariant } from "./podman-service.ts";
import { prove, type Proof } from "./prove-engine.ts";
import { reasonOf } from "./engine-call.ts";
import { containerUlimits, hardLimits, type Ulimit } from "./ulimits.ts";

export interface ProbeOptions extends CandidateOptions {
  /** The state directory; sandboxes of this one are told from others'. */
  readonly home: string;
  /** Sockets and configuration files of an engine that we start. */
  readonly runDirectory: string;
  readonly log: Log;
  readonly signal?: AbortSignal;
}

/** An engine that started a container. */
export interface UsableEngine {
  readonly ok: true;
  /** For people: `podman 4.3.1 (/usr/bin/podman), runc`. */
  readonly description: string;
  readonly connection: EngineConnection;
  readonly proof: Proof;
  /** Where files and sockets of containers lie. */
  readonly runDirectory: string;
  /** Told apart from earlier processes of the same home. */
  readonly instance: string;
  /** Runtime to name for each container, when the engine's own choice does not work. */
  readonly runtime: string | undefined;
  readonly ulimits: readonly Ulimit[];
}

export interface NoEngine {
  readonly ok: false;
  readonly description: string;
  /** `engine.missing` or `engine.unusable`. */
  readonly error: PratiqueError;
}

export type EngineProbe = UsableEngine | NoEngine;

const RUNTIMES = ["crun", "runc"] as const;

/** Tries each candidate in turn, and each runtime with it. Never throws for an engine's fault. */
export async function probeContainerEngine(options: ProbeOptions): Promise<EngineProbe> {
  const ulimits = await grantableUlimits();
  const instance = randomUUID();
  const refusals: string[] = [];
  for (const candidate of engineCandidates(options)) {
    options.signal?.throwIfAborted();
    const name = candidateName(candidate);
    if (!(await isThere(candidate))) continue;
    for await (const attempt of attempts(candidate, { options, ulimits, instance })) {
      try {
        const api = await attempt.connection.api();
        const proof = await prove(api, {
          home: options.home,
          runDirectory: options.runDirectory,
          instance,
          runtime: attempt.runtime,
          ulimits,
          signal: options.signal,
        });
        const description = `${proof.version} at ${attempt.connection.description}`;
        options.log.info("container engine found", { engine: description });
        return {
          ok: true,
          description,
          instance,
          ulimits,
          runtime: attempt.runtime,
          connection: attempt.connection,
          runDirectory: options.runDirectory,
          proof,
        };
      } catch (error) {
        await attempt.connection.close();
        const reason = isPratiqueError(error, "engine.unusable") ? error.message : reasonOf(error);
        const label =
          attempt.runtime === undefined
            ? attempt.connection.description
            : `${attempt.connection.description} with ${attempt.runtime}`;
        refusals.push(`${label}: ${reason}`);
        options.log.debug("container engine refused", { engine: name, reason });
        if (!attempt.isWorthAnother(error)) break;
      }
    }
  }
  return none(refusals, options);
}

function none(refusals: readonly string[], { path, socket }: ProbeOptions): NoEngine {
  const error =
    refusals.length === 0
      ? sandboxErrors("engine.missing", {
          reasons:
            socket === undefined ? `no socket in the usual places, no podman in ${path}` : `${socket} is not there`,
        })
      : sandboxErrors("engine.unusable", { reasons: refusals.join("; ") }, { details: [...refusals] });
  return { ok: false, description: error.message, error };
}

interface Attempt {
  readonly connection: EngineConnection;
  readonly runtime: string | undefined;
  /** After a failure: false when the next way would fail just so. */
  isWorthAnother(error: unknown): boolean;
}

interface Surroundings {
  readonly options: ProbeOptions;
  readonly ulimits: readonly Ulimit[];
  readonly instance: string;
}

/** The ways to use a candidate. What an engine chooses itself comes first. */
async function* attempts(candidate: EngineCandidate, around: Surroundings): AsyncGenerator<Attempt> {
  if (candidate.type !== "podman") {
    const place =
      candidate.type === "socket" ? { socketPath: candidate.path } : { host: candidate.host, port: candidate.port };
    for (const runtime of [undefined, ...RUNTIMES]) {
      const connection = await foreignEngine(candidateName(candidate), place);
      yield { connection, runtime, isWorthAnother: isEngineAnswer };
    }
    return;
  }
  const { options, ulimits, instance } = around;
  const { runDirectory, path, runtimeDirectory } = options;
  const found: string[] = [];
  for (const runtime of RUNTIMES) if (await isOnPath(runtime, path)) found.push(runtime);
  const cgroupfs = { cgroupManager: "cgroupfs" } as const;
  const variants: PodmanVariant[] = [{}, cgroupfs, ...found.map((runtime) => ({ runtime, ...cgroupfs }))];
  const storage = { ownStorage: join(runDirectory, `containers-${digestOf(options.home).slice(7, 15)}`) };
  for (const variant of [...variants, ...found.map((runtime) => ({ runtime, ...cgroupfs, ...storage }))]) {
    const connection = new PodmanService(
      { executable: candidate.executable, runDirectory, path, runtimeDirectory, instance, ulimits },
      variant,
    );
    yield { connection, runtime: undefined, isWorthAnother: () => true };
  }
}

/** An engine that answered, if only to refuse, may do with another runtime; one that does not answer will not. */
function isEngineAnswer(error: unknown): boolean {
  return typeof error === "object" && error !== null && ("statusCode" in error || isPratiqueError(error));
}

async function isThere(candidate: EngineCandidate): Promise<boolean> {
  if (candidate.type === "tcp") return true;
  if (candidate.type === "socket")
    return await stat(candidate.path).then(
      (it) => it.isSocket(),
      () => false,
    );
  return await access(candidate.executable, constants.X_OK).then(
    () => true,
    () => false,
  );
}

async function isOnPath(name: string, path: string): Promise<boolean> {
  const places = [...path.split(":"), "/usr/sbin", "/usr/bin"].filter((directory) => directory.startsWith("/"));
  for (const directory of places) {
    if (
      await access(join(directory, name), constants.X_OK).then(
        () => true,
        () => false,
      )
    )
      return true;
  }
  return false;
}

async function grantableUlimits(): Promise<Ulimit[]> {
  // Not on every system; there the usual limits are asked for.
  const text = await readFile("/proc/self/limits", "utf8").catch(() => "");
  return containerUlimits(hardLimits(text));
}
