// The composition root: the only place that knows every package. Starts and stops the daemon.
import { join } from "node:path";
import { jsonLog, systemClock, uuidv7 } from "@pratique/core";
import { openAuditLog, openLogKey } from "@pratique/audit";
import { EvidenceCache, openSigningKey } from "@pratique/evidence";
import { ActScope } from "@pratique/guard";
import { openIdentity } from "@pratique/identity";
import { createInference } from "@pratique/inference";
import type { Descriptor } from "@pratique/oci";
import type { RunCommand } from "@pratique/packaging";
import { createRegistry, Housekeeping } from "@pratique/registry";
import { runCommand as runSystemCommand } from "@pratique/sandbox";
import { openAdmission } from "./admission/open-admission.ts";
import { openAdvisories } from "./advisories/open-advisories.ts";
import { openArtifactDesks } from "./artifact-desks.ts";
import { openCatalogs } from "./catalogs/open-catalogs.ts";
import { closeAll } from "./close-all.ts";
import { ConsolePages } from "./console-pages.ts";
import { openClearance } from "./clearance/open-clearance.ts";
import { Account } from "./control/account.ts";
import { controlOperations } from "./control/operations.ts";
import { createControlApi } from "./control/router.ts";
import { StatusDesk } from "./control/status-desk.ts";
import { EventDesk } from "./housekeeping/event-desk.ts";
import { digestsInUse } from "./housekeeping/in-use.ts";
import { RetentionDesk } from "./housekeeping/retention-desk.ts";
import { UpkeepDesk } from "./housekeeping/upkeep-desk.ts";
import { TagDesk } from "./housekeeping/tag-desk.ts";
import { watchedBy } from "./housekeeping/watched-by.ts";
import { readWebhookSecrets } from "./housekeeping/webhook-secrets.ts";
import { openToolAccess } from "./gateway/open-tool-access.ts";
import { openHome } from "./home.ts";
import { proxyVariables, trustVariables } from "./environment.ts";
import { builtFile, installationDirectory } from "./installation.ts";
import { listen } from "./listener.ts";
import { loadConfig } from "./load-config.ts";
import { Machinery } from "./machinery.ts";
import { announce, openExclusive } from "./one-daemon.ts";
import { ownerName } from "./owner-name.ts";
import { openGuard } from "./open-guard.ts";
import { openPolicyDesks } from "./policies/open-policy-desks.ts";
import { openStore } from "./open-store.ts";
import { PolicyInForce, policyPlaces } from "./policies/policy-in-force.ts";
import { route } from "./routes.ts";
import { ModelFiles } from "./runs/model-files.ts";
import { Models } from "./runs/models.ts";
import { Runs } from "./runs/runs.ts";
import { openKeys, trustWithRing } from "./signing/open-keys.ts";
import { openSecretDesk } from "./secrets/open-secret-desk.ts";
import { openSigning } from "./signing/open-signing.ts";
import { openRegistryClients } from "./registry-clients.ts";
import { openUpstreams } from "./upstreams/open-upstreams.ts";
import { UpstreamDesk } from "./upstreams/upstream-desk.ts";
import { openTrust } from "./sigstore/open-trust.ts";
import { alsoTelling, openVulnerabilities } from "./vulnerabilities/open-vulnerabilities.ts";
import { openScanDesks } from "./vulnerabilities/open-scan-desks.ts";
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
    const policies = await PolicyInForce.open(policyPlaces(config.policy, home, installation), config.policy.packs);
    const policy = () => policies.current;
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
    const watched = { policy, audit: watchedBy(house, audit), acts, database, config: config.approvals };
    const { guard, inputs, approvals } = await openGuard({ ...watched, clock, log, ids, onClose });
    // What nearly everybody is handed; each takes what it knows of it.
    const common = { config, home, database, guard, clock, log, ids, onClose };
    const secrets = await openSecretDesk({ config, home, database, guard, clock, log, ids });
    const wakers: (() => void)[] = [];
    const observer = alsoTelling(house.observer, () => wakers.forEach((wake) => wake()));
    const storing = { clock, log, observer };
    const store = await openStore(config.registry.storage, home, options.environment, storing);
    onClose(() => store.close());
    await house.start(store);
    const key = await openSigningKey(home.keys);
    const keys = await openKeys({ config, home, owner: key, runTool: runSystemCommand });
    const base = { home, guard, clock, log, onClose };
    const believed = await openTrust({ ...base, config, url: listener.url, ownerPublicKeyPem: key.publicKeyPem });
    const trust = trustWithRing(believed.trust, keys, config.trust.requirements);
    const evidenceCache = new EvidenceCache();
    const nodeExecutable = process.execPath;
    const machinery = new Machinery({
      ...common,
      path: options.environment["PATH"] ?? "",
      dockerHost: options.environment["DOCKER_HOST"],
      runtimeDirectory: options.environment["XDG_RUNTIME_DIR"],
      nodeExecutable,
      engineHostFile: builtFile(installation, "engine-host.js"),
    });
    onClose(() => machinery.close());

    const proxies = proxyVariables(options.environment);
    const env = { ...proxies, ...trustVariables(options.environment) };
    const runCommand: RunCommand = (command, args, limits) => runSystemCommand(command, args, { ...limits, env });
    const advisories = await openAdvisories({ ...base, config: config.vulnerabilities, proxies });
    const named = { registry: registryHost, version: DAEMON_VERSION, ids };
    const known = openVulnerabilities({ ...base, ...named, database, advisories, store, house, trust });
    wakers.push(() => known.keeper.wake());
    const judging = {
      ...common,
      store,
      key,
      trust,
      cache: evidenceCache,
      opinion: known.opinion,
      policy,
    };
    const clearing = await openClearance({
      ...judging,
      registry: registryHost,
      owner: identity.owner,
      config: config.clearance,
      emit: (...event) => house.emit(...event),
      ids,
    });
    onClose(() => clearing.background.close());
    policies.onChange(() => clearing.background.notify());
    advisories.desk.onChange(() => clearing.background.notify());
    const packing = { store, key, trust, config, proxies, nodeExecutable, runCommand, ids };
    const { artifacts, ...desks } = await openArtifactDesks({
      ...base,
      ...packing,
      clearances: clearing.clearances,
      registry: registryHost,
      environment: options.environment,
      bundleHost: builtFile(installation, "bundle-host.js"),
    });
    const policing = { guard, policies, artifacts, store, audit, inputs, database, owner: identity.owner, trust };
    const policyDesks = await openPolicyDesks(policing);
    const evidence = (name: string, descriptor: Descriptor) =>
      clearing.clearances.resources.of(store.repository(name), descriptor);
    const { reserve } = house;
    const isImmutable = (name: string, tag: string) => house.policies.isImmutable(name, tag);
    const pullThrough = await openUpstreams({
      ...common,
      config: config.registry,
      store,
      trust,
      evidenceCache,
      ground: clearing.ground,
      policyDigest: () => policy().digest,
    });
    onClose(() => pullThrough.close());
    const upstreams = new UpstreamDesk(pullThrough, guard);
    const serving = { host: registryHost, store, guard, clock, log, evidence, reserve, isImmutable, pullThrough };
    const registry = createRegistry({ ...serving, tokenService: registryHost });
    const clients = { keys: home.keys, service: registryHost, identity, registry, clock, log };
    const { tokens, tokenEndpoint } = await openRegistryClients(clients);
    const { owner } = identity;
    const { url } = listener;
    const reaching = { config, installation, nodeExecutable, database, secrets, artifacts, owner, url };
    const access = await openToolAccess({
      ...base,
      ...reaching,
      userHome: options.environment["HOME"],
      containers: () => machinery.containers(),
    });
    const { shield, opened, logins, catalogs, toolServers } = access;
    const { gateway } = opened;
    // What policy shows may be more or less now.
    policies.onChange(() => gateway.changed());
    const models = new Models(artifacts, store, new ModelFiles(join(home.cache, "models")));
    const inference = createInference({
      ...common,
      engine: () => machinery.engine(),
      resolve: (name) => models.resolve(name),
      list: () => models.list(),
      runDirectory: home.run,
      ...(config.engine.contextTokens === undefined ? {} : { contextTokens: config.engine.contextTokens }),
    });
    onClose(() => inference.close());
    const runs = new Runs({
      ...common,
      artifacts,
      models,
      servers: toolServers.servers,
      identity,
      engineName: async () => (await machinery.engine()).id,
      url: listener.url,
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
      advisories: advisories.desk,
      clearances: clearing.clearances,
      secrets: secrets.desk,
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
    const running = { database, gateway, inference, machinery };
    const scanning = openScanDesks({ known, advisories, artifacts, guard, key, owner, ...running });
    const pages = new ConsolePages(join(installation, "apps", "console", "public"), clock);
    const images = { registry: registryHost, transfers: desks.transfers, pullThrough, evidenceCache };
    const admission = openAdmission({ ...policing, ...images, ground: clearing.ground, config, home, log, onClose });
    const { intents } = clearing;
    const signatures = openSigning({ config: config.signing, artifacts, guard, keys, trust, intents, clock });
    const listing = { config, catalogs, artifacts, packs: desks.servers, signatures, clearing, machinery, home, owner };
    const catalogDesks = openCatalogs({ ...listing, store, guard, registry: registryHost, clock, log });
    const control = createControlApi(
      controlOperations({
        artifacts,
        signatures,
        catalogs: catalogDesks.desk,
        ...desks,
        secrets: secrets.desk,
        shield,
        logins: logins.desk,
        runs,
        account: new Account(audit, guard),
        ...policyDesks,
        admission: admission.desk,
        status,
        house: { tags: new TagDesk(keeping), retention, events: new EventDesk(keeping) },
        upkeep,
        advisories: advisories.desk,
        sigstore: believed.desk({ artifacts, trust, intents: clearing.intents }),
        upstreams,
        clearing,
        scanning,
        approvals,
        toolServers: toolServers.desk,
        gateway: opened,
      }),
      DAEMON_VERSION,
      log,
    );
    const interrupted = await database.runs.markInterrupted(clock.now().toISOString());
    if (interrupted > 0) log.warn("runs were interrupted when the daemon last stopped", { runs: interrupted });
    await toolServers.placeAll();
    retention.schedule(identity.owner);
    upkeep.schedule(identity.owner);
    await advisories.desk.schedule(identity.owner);
    clearing.background.start();
    scanning.start();
    secrets.learn();
    await admission.listen();
    await announce(home, listener, startedAt);
    listener.serve(
      route({
        identity,
        sigstore: believed.mounted,
        guard,
        registry,
        tokens,
        tokenEndpoint,
        gateway,
        inference,
        audit,
        pages,
        logins: logins.pages,
        admission: admission.api,
        catalogs: catalogDesks.api,
        control,
      }),
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
