// Whatever changes while it is used: nothing runs that policy would not clear at that very moment.
import { readdirSync, readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate as turn } from "node:timers/promises";
import { AuditRecord, type Finding, type RecordBody, type UserPrincipal, type Waiver } from "@pratique/contracts";
import { digestOf, isJsonObject, manualClock, silentLog, type Digest } from "@pratique/core";
import { createGuard } from "@pratique/guard";
import { MEDIA_TYPES, type Descriptor } from "@pratique/oci";
import { loadPolicySet, type PolicySet } from "@pratique/policy";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ArtifactResources, type ClearanceKeeper } from "./artifact-resources.ts";
import { attest, signArtifact } from "./attest.ts";
import { clearArtifact } from "./clear-artifact.ts";
import { EvidenceCache } from "./evidence-cache.ts";
import { memoryRepository } from "./memory-repository.fixture.ts";
import { CYCLONEDX_PREDICATE, PROVENANCE_PREDICATE } from "./predicates.ts";
import { provenanceOf } from "./provenance.ts";
import { openSigningKey } from "./signing-key.ts";
import type { SigningKey } from "./signing/signing-key.ts";
import type { Trust } from "./trust.ts";
import type { VulnerabilityOpinion } from "./vulnerability-opinion.ts";
import type { SignedWaiver, WaiverBook } from "./waivers/waiver-book.ts";
import { replacing } from "./workbench.fixture.ts";

const DIRECTORY = new URL("../../../policies/", import.meta.url);
const read = (name: string): string => readFileSync(new URL(name, DIRECTORY), "utf8");
const files = Object.fromEntries(
  readdirSync(DIRECTORY).flatMap((name) => (name.endsWith(".cedar") ? [[name, read(name)] as const] : [])),
);
const schema = read("pratique.cedarschema");
const withRule = (id: string, condition: string): PolicySet => {
  const head = 'forbid (principal, action == Pratique::Action::"artifact:clear", resource)';
  const text = `@id("${id}") @reason("r") @remedy("m") ${head} when { ${condition} };`;
  return loadPolicySet({ schema, files: { ...files, "more.cedar": text } });
};
/** The default policies; the same decision under another digest; one that clears nothing of ours. */
const SETS = [
  loadPolicySet({ schema, files }),
  withRule("level.none", "resource.slsaLevel < 0"),
  withRule("level.two", "resource.slsaLevel < 2"),
] as const;
const STRICT = 2;

/** What the database knows: nothing, nothing again, a critical vulnerability with a fix, a malicious package. */
const finding = (malicious: boolean): Finding => ({
  id: malicious ? "MAL-2026-1" : "CVE-2026-1",
  aliases: [],
  purl: "pkg:npm/left-pad@1.0.0",
  locations: [],
  severity: malicious ? "unknown" : "critical",
  fixedIn: ["1.0.1"],
  knownExploited: false,
  malicious,
  source: "osv",
  state: "affected",
});
const DATABASES: readonly (readonly Finding[])[] = [[], [], [finding(false)], [finding(true)]];
const CRITICAL = 2;
const MALICIOUS = 3;

const owner: UserPrincipal = { type: "User", id: "owner", name: "Owner", groups: ["owner"] };
const HOST = "localhost:7340";
const MINUTE = 60_000;
const RUNS = 15;

const repo = memoryRepository("voyage/harbour");
const clock = manualClock("2026-11-01T00:00:00Z");
let directory: string;
let key: SigningKey;
let trust: Trust;
let subject: Descriptor;
/** Grounds on which a clearance was signed: policy digest and database. */
const signed = new Set<string>();
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "pratique-evidence-"));
  key = await openSigningKey(join(directory, "keys"));
  trust = { keys: [{ name: "owner", publicKeyPem: key.publicKeyPem }] };
  subject = await proved();
});
afterAll(() => rm(directory, { recursive: true }));

/** What decides over one artifact, and changes. */
class World {
  policy = 0;
  database = 0;
  readonly waivers: SignedWaiver[] = [];
  #waiverVersion = 0;
  runs = 0;
  /** What ran and should not have. Guard takes whatever is thrown in a decision for a denial. */
  readonly wrongs: string[] = [];
  readonly resources: ArtifactResources;
  readonly guard;
  readonly #repo;
  readonly #scheduler;
  readonly #ground;
  readonly #key: SigningKey;

  constructor(scheduler: fc.Scheduler) {
    this.#scheduler = scheduler;
    this.#repo = replacing(repo, {
      referrers: scheduler.scheduleFunction((digest: Digest) => repo.referrers(digest)),
      putManifest: scheduler.scheduleFunction((bytes: Uint8Array, mediaType: string) =>
        repo.putManifest(bytes, mediaType),
      ),
    });
    this.#key = {
      ...key,
      sign: async (message) => {
        this.#noteVerdict(message);
        return key.sign(message);
      },
    };
    const opinion: VulnerabilityOpinion = {
      version: () => `database-${this.database}`,
      of: scheduler.scheduleFunction(async () => {
        const { database } = this;
        const databaseVersion = `database-${database}`;
        const zero = { critical: 0, high: 0, medium: 0, low: 0, unknown: 0, criticalWithFix: 0, knownExploited: 0 };
        const facts = { status: "checked", ...zero, malicious: 0, databaseVersion } as const;
        return { facts, databaseVersion, findings: DATABASES[database] ?? [] };
      }),
    };
    const book: WaiverBook = {
      version: () => String(this.#waiverVersion),
      standing: () => this.waivers,
      isRemoved: () => false,
      fits: () => true,
    };
    this.#ground = { opinion, waivers: book, clock };
    this.guard = createGuard({
      policy: () => this.#watched(),
      audit: { append: scheduler.scheduleFunction(append) },
      clock,
      log: silentLog,
    });
    const keeper: ClearanceKeeper = {
      stands: async () => undefined,
      lost: async () => undefined,
      renew: async (_artifact, _evidence, because) => void (await this.clear(because)),
    };
    this.resources = new ArtifactResources({
      trust,
      cache: new EvidenceCache(),
      ground: this.#ground,
      registry: HOST,
      kindOf: () => "skill",
      policyDigest: () => this.set.digest,
      decide: (resource) => this.guard.decide({ principal: owner, action: "artifact:clear", resource }),
      keeper,
    });
  }

  get set(): PolicySet {
    return SETS[this.policy] ?? SETS[0];
  }

  /** Written anew here, without a look at the code: whether policy clears it at this moment. */
  get wouldClear(): boolean {
    const now = clock.now().getTime();
    const isWaived = this.waivers.some(({ waiver }) => now < Date.parse(waiver.expires));
    if (this.policy === STRICT || this.database === MALICIOUS) return false;
    return this.database !== CRITICAL || isWaived;
  }

  waive(minutes: number): void {
    const now = clock.now();
    const waiver: Waiver = {
      id: `w${this.waivers.length}`,
      scope: { repository: "**", vulnerability: "CVE-2026-1" },
      reason: "r",
      by: "owner",
      created: now.toISOString(),
      expires: new Date(now.getTime() + minutes * MINUTE).toISOString(),
    };
    this.waivers.push({ waiver, bundle: digestOf(waiver.id) });
    this.#waiverVersion += 1;
  }

  unwaive(): void {
    this.waivers.length = 0;
    this.#waiverVersion += 1;
  }

  async clear(because?: string): Promise<void> {
    await clearArtifact({
      repo: this.#repo,
      subject,
      kind: "skill",
      reference: "r",
      registry: HOST,
      principal: owner,
      guard: this.guard,
      policyDigest: this.set.digest,
      key: this.#key,
      trust,
      ground: this.#ground,
      ...(because === undefined ? {} : { because }),
    });
  }

  async run(): Promise<boolean> {
    const resource = await this.resources.of(this.#repo, subject);
    // An enforcement point has other things to wait for before it decides.
    await this.#scheduler.schedule(Promise.resolve());
    const outcome = await this.guard.perform(
      { principal: owner, action: "artifact:run", resource },
      async () => undefined,
    );
    return outcome.allowed;
  }

  /** The set in force, with an eye on what it lets run. */
  #watched(): PolicySet {
    const { set } = this;
    return {
      ...set,
      digest: set.digest,
      policies: set.policies,
      decide: (request) => {
        const decision = set.decide(request);
        if (request.action === "artifact:run" && decision.allow) {
          this.runs += 1;
          const ground = `${set.digest} database-${this.database}`;
          if (!this.wouldClear) this.wrongs.push(`runs, and would not be cleared: ${ground}`);
          if (!signed.has(ground)) this.wrongs.push(`runs without a clearance: ${ground}`);
        }
        return decision;
      },
    };
  }

  #noteVerdict(message: Uint8Array): void {
    const text = Buffer.from(message).toString("utf8");
    const statement: unknown = JSON.parse(text.slice(text.indexOf("{")));
    if (!isJsonObject(statement) || !isJsonObject(statement["predicate"])) return;
    const { policy, verifier, verificationResult } = statement["predicate"];
    if (verificationResult !== "PASSED" || !isJsonObject(policy) || !isJsonObject(verifier)) return;
    const { digest } = policy;
    const { version } = verifier;
    if (!isJsonObject(digest) || !isJsonObject(version)) return;
    signed.add(`sha256:${String(digest["sha256"])} ${String(version["vulnerability-database"])}`);
  }
}

let sequence = 0;
async function append(body: RecordBody): Promise<AuditRecord> {
  sequence += 1;
  const time = clock.now().toISOString();
  return AuditRecord.parse({ ...body, version: 1, id: `r${sequence}`, sequence, time });
}

/** One artifact with all its evidence. */
async function proved(): Promise<Descriptor> {
  const config = await repo.putBlob(Buffer.from("{}"));
  const manifest = {
    schemaVersion: 2,
    mediaType: MEDIA_TYPES.imageManifest,
    config: { mediaType: MEDIA_TYPES.empty, ...config },
    layers: [],
    annotations: { "org.opencontainers.image.created": "2026-10-31T00:00:00Z" },
  };
  const made = await repo.putManifest(Buffer.from(JSON.stringify(manifest)), MEDIA_TYPES.imageManifest);
  await signArtifact(repo, made, key, clock);
  const bom = { bomFormat: "CycloneDX", specVersion: "1.6", version: 1, components: [] };
  await attest(repo, made, { predicateType: CYCLONEDX_PREDICATE, predicate: bom }, key, clock);
  const predicate = provenanceOf({
    builder: "https://pratique.dev/pack/v1",
    buildType: "https://pratique.dev/build/v1",
    externalParameters: {},
    materials: [],
    startedOn: clock.now(),
    finishedOn: clock.now(),
    invocationId: "1",
  });
  await attest(repo, made, { predicateType: PROVENANCE_PREDICATE, predicate }, key, clock);
  return made;
}

type Step =
  | { readonly type: "policy" | "database"; readonly to: number }
  | { readonly type: "waive" | "advance"; readonly minutes: number }
  | { readonly type: "unwaive" | "clear" | "run" };

const STEP: fc.Arbitrary<Step> = fc.oneof(
  { weight: 2, arbitrary: fc.record({ type: fc.constant("policy"), to: fc.nat(SETS.length - 1) }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant("database"), to: fc.nat(DATABASES.length - 1) }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant("waive"), minutes: fc.integer({ min: 1, max: 9 }) }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant("advance"), minutes: fc.integer({ min: 1, max: 9 }) }) },
  { weight: 1, arbitrary: fc.constant({ type: "unwaive" }) },
  { weight: 2, arbitrary: fc.constant({ type: "clear" }) },
  { weight: 6, arbitrary: fc.constant({ type: "run" }) },
);

function take(world: World, step: Step): Promise<unknown> | undefined {
  switch (step.type) {
    case "policy":
      world.policy = step.to;
      return undefined;
    case "database":
      world.database = step.to;
      return undefined;
    case "waive":
      world.waive(step.minutes);
      return undefined;
    case "unwaive":
      world.unwaive();
      return undefined;
    case "advance":
      clock.advance(step.minutes * MINUTE);
      return undefined;
    case "clear":
      return world.clear();
    case "run":
      return world.run();
  }
}

describe("a clearance in a world that changes", () => {
  it("lets nothing run that policy would not clear at that moment, in any order of things", async () => {
    let runs = 0;
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), fc.array(STEP, { minLength: 4, maxLength: 20 }), async (scheduler, steps) => {
        const world = new World(scheduler);
        const begun: Promise<unknown>[] = [scheduler.waitFor(world.clear())];
        await begun[0];
        const sequence = scheduler.scheduleSequence(
          steps.map((step) => async () => {
            // What needs no more than memory gets as far as it can.
            await turn();
            const work = take(world, step);
            if (work !== undefined) begun.push(work.then(() => undefined));
          }),
        );
        await scheduler.waitFor(sequence.task);
        await scheduler.waitFor(Promise.all(begun));
        // When all is quiet, what policy would clear is cleared again by itself, since it was once.
        const isRunning = await scheduler.waitFor(world.run());
        expect(world.wrongs).toEqual([]);
        expect(isRunning).toBe(world.wouldClear);
        runs += world.runs;
      }),
      { numRuns: RUNS },
    );
    expect(runs).toBeGreaterThan(0);
  }, 60_000);
});
