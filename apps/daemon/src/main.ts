// The composition root: the only place that knows every package. Starts and stops the daemon.
import { userInfo } from "node:os";
import { join } from "node:path";
import { isPratiqueError, jsonLog, systemClock, uuidv7, type Log } from "@pratique/core";
import { openAuditLog, openLogKey, type RecordTemplate } from "@pratique/audit";
import type { RecordBody } from "@pratique/contracts";
import { ArtifactResources, EvidenceCache, openSigningKey } from "@pratique/evidence";
import { createGateway } from "@pratique/gateway";
import { ActScope, createGuard, RepeatWindows } from "@pratique/guard";
import { openIdentity } from "@pratique/identity";
import { createInference } from "@pratique/inference";
import { openBucketStore, openContentStore, type Descriptor } from "@pratique/oci";
import { bundleThrough, debianBase, debianRuntimeBase, kindOfManifest, type RunCommand } from "@pratique/packaging";
import { createRegistry, Housekeeping } from "@pratique/registry";
import { runCommand as runSystemCommand } from "@pratique/sandbox";
import { openDatabase, writeFileDurably } from "@pratique/store";
import { Artifacts } from "./artifacts/artifacts.ts";
import { AgentLocks } from "./artifacts/agent-locks.ts";
import { AdviceDesk } from "./artifacts/advice-desk.ts";
import { Bundles } from "./artifacts/bundles.ts";
import { SkillPlaces } from "./artifacts/skill-places.ts";
import { Skills } from "./artifacts/skills.ts";
import { Deltas } from "./artifacts/deltas.ts";
import { registryClient } from "./artifacts/registry-client.ts";
import { pythonIndexOf, ServerPacks } from "./artifacts/server-packs.ts";
import { Transfers } from "./artifacts/transfers.ts";
import { bucketOptions } from "./bucket-options.ts";
import { ConsolePages } from "./console-pages.ts";
import { Account } from "./control/account.ts";
import { controlOperations } from "./control/operations.ts";
import { PolicyDesk } from "./control/policy-desk.ts";
import { createControlApi } from "./control/router.ts";
import { StatusDesk } from "./control/status-desk.ts";
import { placeConfiguredServers } from "./configured-servers.ts";
import { EventDesk } from "./housekeeping/event-desk.ts";
import { digestsInUse } from "./housekeeping/in-use.ts";
import { RetentionDesk } from "./housekeeping/retention-desk.ts";
import { UpkeepDesk } from "./housekeeping/upkeep-desk.ts";
import { TagDesk } from "./housekeeping/tag-desk.ts";
import { readWebhookSecrets } from "./housekeeping/webhook-secrets.ts";
import { daemonErrors } from "./errors.ts";
import { openHome, type Home } from "./home.ts";
import { installationDirectory } from "./installation.ts";
import { listen, type Listener } from "./listener.ts";
import { loadConfig } from "./load-config.ts";
import { Machinery } from "./machinery.ts";
import { readPolicySet } from "./policy-files.ts";
import { route } from "./routes.ts";
import { ModelDesk } from "./artifacts/model-desk.ts";
import { ModelFiles } from "./runs/model-files.ts";
import { Models } from "./runs/models.ts";
import { Runs } from "./runs/runs.ts";
import { ToolServers } from "./runs/tool-servers.ts";
import { openRegistryClients } from "./registry-clients.ts";
import { openUpstreams } from "./upstreams/open-upstreams.ts";
import { UpstreamDesk } from "./upstreams/upstream-desk.ts";
import { DAEMON_VERSION } from "./version.ts";

export interface DaemonOptions {
  readonly home: string;
  /** HOST:PORT; overrides the configuration. */
  readonly listen?: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Where log lines go. */
  readonly writeLog: (line: string) => void;
  /** Least level, unless the configuration says otherwise. */
  readonly logLevel?: "debug" | "info" | "warn" | "error";
}

export interface RunningDaemon {
  readonly url: string;
  readonly home: string;
  /** An address that opens the console once. */
  consoleLink(): string;
  close(): Promise<void>;
}

/** Starts everything; resolves when the daemon is ready. */
export async function startDaemon(options: DaemonOptions): Promise<RunningDaemon> {
  const clock = systemClock;
  const startedAt = clock.now();
  const home = await openHome(options.home);
  const config = await loadConfig(home.configFile, options.environment, options.listen);
  const log = jsonLog(
    options.writeLog,
    clock,
    options.environment["PRATIQUE_LOG_LEVEL"] === undefined ? (options.logLevel ?? config.log.level) : config.log.level,
  );
  const installation = installationDirectory();
  const closers: (() => Promise<void>)[] = [];
  const onClose = (close: () => Promise<void>) => void closers.push(close);
  try {
    // The policy set comes first: with a broken one nothing may be decided, so nothing is started.
    const policyDirectory = config.policy.directory ?? join(installation, "policies");
    const policySet = await readPolicySet(policyDirectory);
    const policy = () => policySet;
    const database = await openExclusive(home);
    onClose(() => database.close());
    const listener = await listen(config.listen, log);
    onClose(() => listener.close());
    const registryHost = `localhost:${listener.port}`;
    const ids = () => uuidv7(clock);

    const logKey = await openLogKey(join(home.keys, "log.pem"), "pratique.local/log");
    const audit = await openAuditLog({ directory: home.log, key: logKey, database, clock, log });
    onClose(() => audit.close());
    const identity = await openIdentity({ home: home.directory, clock, owner: { name: ownerName() } });
    const acts = new ActScope();
    const house = new Housekeeping({
      config: config.registry,
      journal: database.registry,
      acts,
      audit,
      host: registryHost,
      secrets: await readWebhookSecrets(config.registry.webhooks, home),
      clock,
      log,
      ids,
    });
    onClose(() => house.close());
    const watched = {
      append: async (body: RecordBody) => {
        const record = await audit.append(body);
        house.recorded(record);
        return record;
      },
      appendLike: async (template: RecordTemplate, durationMs: number) => {
        const record = await audit.appendLike(template, durationMs);
        house.recorded(record);
        return record;
      },
    };
    const windows = new RepeatWindows();
    onClose(() => windows.close());
    const guard = createGuard({ policy, audit: watched, clock, log, acts, windows });
    const storage = config.registry.storage;
    const storing = { clock, log, observer: house.observer };
    const store =
      storage.type === "disk"
        ? await openContentStore(home.registry, storing)
        : await openBucketStore({ ...storing, ...(await bucketOptions(storage, home.cache, options.environment)) });
    onClose(() => store.close());
    await house.start(store);
    const key = await openSigningKey(home.keys);
    const trust = { keys: [{ name: "owner", publicKeyPem: key.publicKeyPem }] };
    const evidenceCache = new EvidenceCache();
    const nodeExecutable = process.execPath;
    const machinery = new Machinery({
      config,
      home,
      path: options.environment["PATH"] ?? "",
      dockerHost: options.environment["DOCKER_HOST"],
      runtimeDirectory: options.environment["XDG_RUNTIME_DIR"],
      nodeExecutable,
      engineHostFile: builtFile(installation, "engine-host.js"),
      clock,
      log,
    });
    onClose(() => machinery.close());

    const proxies = proxyVariables(options.environment);
    const env = { ...proxies, ...trustVariables(options.environment) };
    const runCommand: RunCommand = (command, args, limits) => runSystemCommand(command, args, { ...limits, env });
    const architecture = process.arch === "x64" ? "amd64" : process.arch;
    const bundleHost = builtFile(installation, "bundle-host.js");
    const bundle = bundleThrough({ runCommand, node: nodeExecutable, hostFile: bundleHost });
    const artifacts = new Artifacts({
      store,
      guard,
      key,
      trust,
      evidenceCache,
      policy,
      registry: registryHost,
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
        ...createdAtOf(options.environment),
      },
    });
    const skills = new Skills({
      artifacts,
      store,
      guard,
      registry: registryHost,
      cacheDirectory: join(home.cache, "skills"),
      runCommand,
    });
    const skillPlaces = new SkillPlaces({ artifacts, guard, registry: registryHost, clock });
    const deltas = new Deltas({ artifacts, store, guard, registry: registryHost, log });
    const locks = new AgentLocks({ artifacts, guard, registry: registryHost });
    const bundles = new Bundles({ artifacts, locks, store, guard, registry: registryHost });
    const client = await registryClient(config.registry.client, options.environment, proxies);
    onClose(async () => client.transport.close());
    const transfers = new Transfers({ artifacts, store, guard, registry: registryHost, log, client, deltas });
    const serverPacks = new ServerPacks({
      artifacts,
      store,
      guard,
      registry: registryHost,
      config: config.packaging,
      cacheDirectory: home.cache,
      runCommand,
      bundle,
      architecture,
      remote: (principal, reference, signal) => transfers.repository(principal, reference, signal),
    });
    const advice = new AdviceDesk({ guard, cacheDirectory: home.cache });
    const resources = new ArtifactResources({
      trust,
      cache: evidenceCache,
      clock,
      registry: registryHost,
      kindOf: kindOfManifest,
      policyDigest: () => policy().digest,
    });
    const evidence = (name: string, descriptor: Descriptor) => resources.of(store.repository(name), descriptor);
    const { reserve } = house;
    const isImmutable = (name: string, tag: string) => house.policies.isImmutable(name, tag);
    const pullThrough = await openUpstreams({
      config: config.registry,
      home,
      store,
      trust,
      evidenceCache,
      policyDigest: () => policy().digest,
      clock,
      log,
    });
    onClose(() => pullThrough.close());
    const upstreams = new UpstreamDesk(pullThrough, guard);
    const serving = { host: registryHost, store, guard, clock, log, evidence, reserve, isImmutable, pullThrough };
    const registry = createRegistry({ ...serving, tokenService: registryHost });
    const clients = { keys: home.keys, service: registryHost, identity, registry, clock, log };
    const { tokens, tokenEndpoint } = await openRegistryClients(clients);
    const gateway = createGateway({ guard, clock, log, info: { name: "pratique", version: DAEMON_VERSION } });
    onClose(() => gateway.close());
    const models = new Models(artifacts, store, new ModelFiles(join(home.cache, "models")));
    const inference = createInference({
      guard,
      engine: () => machinery.engine(),
      resolve: (name) => models.resolve(name),
      list: () => models.list(),
      runDirectory: home.run,
      clock,
      log,
      ...(config.engine.contextTokens === undefined ? {} : { contextTokens: config.engine.contextTokens }),
    });
    onClose(() => inference.close());
    const servers = new ToolServers({
      artifacts,
      gateway,
      guard,
      containers: () => machinery.containers(),
      nodeExecutable,
      cacheDirectory: home.cache,
      clock,
      log,
    });
    const runs = new Runs({
      artifacts,
      models,
      servers,
      identity,
      guard,
      database,
      engineName: async () => (await machinery.engine()).id,
      url: listener.url,
      clock,
      log,
      ids,
    });
    const journal = database.registry;
    const upkeep = new UpkeepDesk({ config: config.registry, store, journal, house, guard, clock, log });
    const status = new StatusDesk({
      version: DAEMON_VERSION,
      url: listener.url,
      home: home.directory,
      owner: identity.owner.name,
      startedAt,
      signingKey: key.keyId,
      logKey,
      guard,
      policy,
      store,
      database,
      gateway,
      audit,
      machinery,
      upkeep,
      upstreams,
    });
    const keeping = { store, journal: database.registry, house, guard, registry: registryHost };
    const retention = new RetentionDesk({
      ...keeping,
      config: config.registry,
      evidence,
      inUse: () => digestsInUse(database, gateway),
      clock,
      log,
    });
    onClose(() => retention.close());
    onClose(() => upkeep.close());
    const pages = new ConsolePages(join(installation, "apps", "console", "public"), clock);
    const control = createControlApi(
      controlOperations({
        artifacts,
        transfers,
        servers: serverPacks,
        advice,
        models: new ModelDesk({ artifacts, transfers, guard, registry: registryHost }),
        deltas,
        bundles,
        skills,
        skillPlaces,
        locks,
        runs,
        account: new Account(audit, guard),
        policy: new PolicyDesk(guard, policy, policyDirectory),
        status,
        house: { tags: new TagDesk(keeping), retention, events: new EventDesk(keeping) },
        upkeep,
        upstreams,
      }),
      DAEMON_VERSION,
      log,
    );
    const interrupted = await database.runs.markInterrupted(clock.now().toISOString());
    if (interrupted > 0) log.warn("runs were interrupted when the daemon last stopped", { runs: interrupted });
    await placeConfiguredServers(config, { owner: identity.owner, artifacts, servers, gateway, log });
    retention.schedule(identity.owner);
    upkeep.schedule(identity.owner);
    await announce(home, listener, startedAt);
    listener.serve(
      route({ identity, guard, registry, tokens, tokenEndpoint, gateway, inference, audit, pages, control }),
    );
    log.info("ready", { url: listener.url, home: home.directory, version: DAEMON_VERSION });
    return {
      url: listener.url,
      home: home.directory,
      consoleLink: () => `${listener.url}${pages.issueLink(identity.owner)}`,
      close: async () => {
        // First the door, so that what is under way can still be decided and recorded.
        await listener.close();
        await closeAll(closers, log);
      },
    };
  } catch (error) {
    await closeAll(closers, log);
    throw error;
  }
}

/** The database's lock is the daemon's: one process a state directory. */
async function openExclusive(home: Home) {
  try {
    return await openDatabase({ file: home.databaseFile });
  } catch (cause) {
    if (!isPratiqueError(cause, "store.busy")) throw cause;
    throw daemonErrors("daemon.already-running", { home: home.directory, pid: await runningPid(home) }, { cause });
  }
}

async function runningPid(home: Home): Promise<string> {
  const { readFile } = await import("node:fs/promises");
  const text = await readFile(home.runtimeFile, "utf8").catch(() => "{}");
  const { pid } = JSON.parse(text) as { pid?: unknown };
  return typeof pid === "number" ? String(pid) : "unknown";
}

/** Tells the CLI where this daemon answers. */
async function announce(home: Home, listener: Listener, startedAt: Date): Promise<void> {
  await writeFileDurably(
    home.runtimeFile,
    JSON.stringify({
      url: listener.url,
      pid: process.pid,
      startedAt: startedAt.toISOString(),
      version: DAEMON_VERSION,
    }),
    { mode: 0o600 },
  );
}

async function closeAll(closers: readonly (() => Promise<void>)[], log: Log): Promise<void> {
  for (const close of closers.toReversed()) {
    await close().catch((error: unknown) => log.error("closing failed", { error: String(error) }));
  }
}

function ownerName(): string {
  try {
    return userInfo().username;
  } catch {
    // A user id without a name, as in some containers.
    return "owner";
  }
}

/** When artifacts say that they were made (reproducible-builds.org, SOURCE_DATE_EPOCH). */
function createdAtOf(environment: DaemonOptions["environment"]): { createdAt?: Date } {
  const text = environment["SOURCE_DATE_EPOCH"] ?? "";
  return /^[0-9]{1,11}$/.test(text) ? { createdAt: new Date(Number(text) * 1000) } : {};
}

/** What lets apt, npm and pip reach their mirrors through a company's proxy. */
function proxyVariables(environment: DaemonOptions["environment"]): Record<string, string> {
  const names = ["http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"];
  return pick(environment, names);
}

/** Whom apt, npm and pip trust beside the usual authorities. */
function trustVariables(environment: DaemonOptions["environment"]): Record<string, string> {
  return pick(environment, ["NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE", "SSL_CERT_DIR", "PIP_CERT"]);
}

function pick(environment: DaemonOptions["environment"], names: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    names.flatMap((name) => (environment[name] === undefined ? [] : [[name, environment[name]]])),
  );
}

/** In a build each child process has a file of its own; from source its package finds it itself. */
function builtFile(installation: string, name: string): string | undefined {
  return import.meta.url.endsWith(".ts") ? undefined : join(installation, "dist", name);
}
