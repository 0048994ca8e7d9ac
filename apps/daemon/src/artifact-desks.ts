// The desks for artifacts: packing, skills, models, servers, bundles, transfers, each with what it needs.
import { join } from "node:path";
import type { Config } from "@pratique/contracts";
import type { Clock, Log } from "@pratique/core";
import type { SigningKey, Trust } from "@pratique/evidence";
import type { Guard } from "@pratique/guard";
import type { ContentStore } from "@pratique/oci";
import { bundleThrough, debianBase, debianRuntimeBase, type RunCommand } from "@pratique/packaging";
import { AdviceDesk } from "./artifacts/advice-desk.ts";
import { AgentLocks } from "./artifacts/agent-locks.ts";
import { Artifacts } from "./artifacts/artifacts.ts";
import { Bundles } from "./artifacts/bundles.ts";
import { Deltas } from "./artifacts/deltas.ts";
import { ModelDesk } from "./artifacts/model-desk.ts";
import { registryClient } from "./artifacts/registry-client.ts";
import { pythonIndexOf, ServerPacks } from "./artifacts/server-packs.ts";
import { SkillPlaces } from "./artifacts/skill-places.ts";
import { Skills } from "./artifacts/skills.ts";
import { Transfers } from "./artifacts/transfers.ts";
import { DiffDesk } from "./sboms/diff-desk.ts";
import { SbomDesk } from "./sboms/sbom-desk.ts";
import type { Clearances } from "./clearance/clearances.ts";
import { createdAtOf, type Environment } from "./environment.ts";
import type { Home } from "./home.ts";
import { DAEMON_VERSION } from "./version.ts";

export interface ArtifactDesksOptions {
  readonly store: ContentStore;
  readonly guard: Guard;
  readonly key: SigningKey;
  readonly trust: Trust;
  readonly clearances: Clearances;
  /** `localhost:7340`. */
  readonly registry: string;
  readonly home: Home;
  readonly config: Config;
  readonly environment: Environment;
  readonly proxies: Readonly<Record<string, string>>;
  readonly nodeExecutable: string;
  /** In a build, the file of the bundler's process. */
  readonly bundleHost: string | undefined;
  readonly runCommand: RunCommand;
  readonly clock: Clock;
  readonly log: Log;
  readonly ids: () => string;
  onClose(close: () => Promise<void>): void;
}

export interface ArtifactDesks {
  readonly artifacts: Artifacts;
  readonly transfers: Transfers;
  readonly servers: ServerPacks;
  readonly advice: AdviceDesk;
  readonly models: ModelDesk;
  readonly deltas: Deltas;
  readonly bundles: Bundles;
  readonly skills: Skills;
  readonly skillPlaces: SkillPlaces;
  readonly locks: AgentLocks;
  readonly sboms: SbomDesk;
  readonly diffs: DiffDesk;
}

export async function openArtifactDesks(options: ArtifactDesksOptions): Promise<ArtifactDesks> {
  const { store, guard, key, trust, clearances, registry, home, config, environment } = options;
  const { proxies, nodeExecutable, runCommand, clock, log, ids, onClose } = options;
  const architecture = process.arch === "x64" ? "amd64" : process.arch;
  const bundle = bundleThrough({ runCommand, node: nodeExecutable, hostFile: options.bundleHost });
  const artifacts = new Artifacts({
    store,
    guard,
    key,
    clearances,
    registry,
    builder: `https://pratique.dev/daemon@${DAEMON_VERSION}`,
    clock,
    log,
    ids,
    packing: {
      cacheDirectory: home.cache,
      base: debianBase({ node: nodeExecutable, runCommand }),
      bases: {
        python: debianRuntimeBase({ runtime: "python", runCommand, architecture }),
        native: debianRuntimeBase({ runtime: "native", runCommand, architecture }),
      },
      bundle,
      runCommand,
      python: pythonIndexOf(config.packaging),
      ...createdAtOf(environment),
    },
  });
  const sboms = new SbomDesk({ artifacts, guard, key, trust, clock, log });
  const onPull = config.sbom.onPull ? { sboms } : {};
  const diffs = new DiffDesk({ artifacts, sboms, guard });
  const skills = new Skills({
    artifacts,
    sboms,
    clock,
    store,
    guard,
    registry,
    cacheDirectory: join(home.cache, "skills"),
    runCommand,
  });
  const skillPlaces = new SkillPlaces({ artifacts, guard, registry, clock });
  const deltas = new Deltas({ artifacts, store, guard, registry, log });
  const locks = new AgentLocks({ artifacts, guard, registry, sboms, clock });
  const bundles = new Bundles({ artifacts, locks, store, guard, registry, ...onPull });
  const client = await registryClient(config.registry.client, environment, proxies, home.cache);
  onClose(async () => client.transport.close());
  const transfers = new Transfers({
    artifacts,
    store,
    guard,
    registry,
    log,
    client,
    deltas,
    ...onPull,
  });
  const serverPacks = new ServerPacks({
    artifacts,
    store,
    guard,
    registry,
    config: config.packaging,
    cacheDirectory: home.cache,
    runCommand,
    bundle,
    architecture,
    remote: (principal, reference, signal) => transfers.repository(principal, reference, signal),
  });
  const advice = new AdviceDesk({ guard, cacheDirectory: home.cache });
  const models = new ModelDesk({ artifacts, transfers, guard, registry });
  return {
    sboms,
    diffs,
    artifacts,
    transfers,
    servers: serverPacks,
    advice,
    models,
    deltas,
    bundles,
    skills,
    skillPlaces,
    locks,
  };
}
