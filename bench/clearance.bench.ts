// Verifying and deciding: with what is kept, after the database changed, and a single bundle for the first time.
import { readdirSync, readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { UserPrincipal } from "@pratique/contracts";
import { silentLog, systemClock } from "@pratique/core";
import {
  ArtifactResources,
  attest,
  clearArtifact,
  countsOf,
  EvidenceCache,
  openSigningKey,
  provenanceOf,
  PROVENANCE_PREDICATE,
  signArtifact,
  verifyArtifact,
  type Trust,
  type VulnerabilityOpinion,
} from "@pratique/evidence";
import { createGuard } from "@pratique/guard";
import { MEDIA_TYPES, openContentStore, type Descriptor, type LocalRepository } from "@pratique/oci";
import { loadPolicySet } from "@pratique/policy";
import { ROOT } from "../test/support/program.ts";
import { printTable } from "./measure.ts";

const ARTIFACTS = 200;
const COMPONENTS = 300;
const policyDirectory = join(ROOT, "policies");
const read = (name: string) => readFileSync(join(policyDirectory, name), "utf8");
const files = Object.fromEntries(
  readdirSync(policyDirectory).flatMap((name) => (name.endsWith(".cedar") ? [[name, read(name)] as const] : [])),
);
const policies = loadPolicySet({ schema: read("pratique.cedarschema"), files });
const owner: UserPrincipal = { type: "User", id: "owner", name: "Owner", groups: ["owner"] };
const clock = systemClock;

const directory = await mkdtemp(join(tmpdir(), "pratique-bench-clearance-"));
const store = await openContentStore(directory, { clock, log: silentLog });
const key = await openSigningKey(join(directory, "keys"));
const trust: Trust = { keys: [{ name: "owner", publicKeyPem: key.publicKeyPem }] };
const append = async (body: object) =>
  ({ ...body, version: 1, id: "r", sequence: 0, time: clock.now().toISOString() }) as never;
const guard = createGuard({ policy: () => policies, audit: { append }, clock, log: silentLog });
let database = 0;
const opinion: VulnerabilityOpinion = {
  version: () => `d${database}`,
  of: async () => ({
    facts: { status: "checked", ...countsOf([]), databaseVersion: "d0" },
    databaseVersion: "d0",
    findings: [],
  }),
};
const ground = { opinion, clock };

const repo = store.repository("bench/image");
const subjects: Descriptor[] = [];
for (let index = 0; index < ARTIFACTS; index++) subjects.push(await prove(repo, index));
const resources = resourcesOver(new EvidenceCache(ARTIFACTS));

function resourcesOver(cache: EvidenceCache): ArtifactResources {
  return new ArtifactResources({
    trust,
    cache,
    ground,
    registry: "localhost:7340",
    kindOf: () => "image",
    policyDigest: () => policies.digest,
    decide: (resource) => guard.decide({ principal: owner, action: "artifact:clear", resource }),
  });
}

async function prove(repository: LocalRepository, index: number): Promise<Descriptor> {
  const config = await repository.putBlob(Buffer.from("{}"));
  const annotations = { index: String(index) };
  const image = { mediaType: MEDIA_TYPES.imageManifest, schemaVersion: 2, layers: [], annotations };
  const manifest = { ...image, config: { mediaType: MEDIA_TYPES.empty, ...config } };
  const subject = await repository.putManifest(Buffer.from(JSON.stringify(manifest)), MEDIA_TYPES.imageManifest);
  await signArtifact(repository, subject, key, clock);
  const components = Array.from({ length: COMPONENTS }, (_, at) => ({
    type: "library",
    name: `package-${at}`,
    version: `1.${index}.${at}`,
    purl: `pkg:npm/package-${at}@1.${index}.${at}`,
    licenses: [{ license: { id: "MIT" } }],
  }));
  const bom = { bomFormat: "CycloneDX", specVersion: "1.6", version: 1, components };
  await attest(repository, subject, { predicateType: "https://cyclonedx.org/bom", predicate: bom }, key, clock);
  const predicate = provenanceOf({
    builder: "https://pratique.dev/daemon",
    buildType: "https://pratique.dev/build/v1",
    externalParameters: {},
    materials: [],
    startedOn: clock.now(),
    finishedOn: clock.now(),
    invocationId: "1",
  });
  await attest(repository, subject, { predicateType: PROVENANCE_PREDICATE, predicate }, key, clock);
  const about = { repo: repository, subject, kind: "image", reference: "r", registry: "localhost:7340" } as const;
  const outcome = await clearArtifact({
    ...about,
    principal: owner,
    guard,
    policyDigest: policies.digest,
    key,
    trust,
    ground,
  });
  if (!outcome.cleared) throw new Error(outcome.decision.reason);
  return subject;
}

/** Milliseconds of CPU for each. */
async function cpu(rounds: number, work: (round: number) => Promise<unknown>): Promise<number> {
  const before = process.cpuUsage();
  for (let round = 0; round < rounds; round++) await work(round);
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000 / rounds;
}

const of = (round: number): Descriptor => {
  const subject = subjects[round % ARTIFACTS];
  if (subject === undefined) throw new Error("there are no artifacts");
  return subject;
};
async function verifyAndDecide(from: ArtifactResources, round: number): Promise<void> {
  const resource = await from.of(repo, of(round));
  const decision = guard.decide({ principal: owner, action: "artifact:run", resource });
  if (!decision.allow) throw new Error(decision.reason);
}

// Warm: the code, the engine, and what is kept.
for (let round = 0; round < ARTIFACTS; round++) await verifyAndDecide(resources, round);
const warm = await cpu(5000, (round) => verifyAndDecide(resources, round));
const cold = await cpu(ARTIFACTS, (round) => verifyAndDecide(resourcesOver(new EvidenceCache()), round));
const bundles = await cpu(ARTIFACTS, async (round) => {
  const { verified } = await verifyArtifact(repo, of(round), trust);
  if (verified.length !== 4) throw new Error("not all bundles verify");
});
const changed = await cpu(ARTIFACTS, (round) => {
  if (round === 0) database += 1;
  return verifyAndDecide(resources, round);
});

const ms = (value: number) => `${value.toFixed(3)} ms`;
printTable(
  `Clearance: ${ARTIFACTS} artifacts, each with 4 bundles and ${COMPONENTS} components; CPU for each`,
  ["what", "CPU", "at most"],
  [
    ["verify and decide, kept", ms(warm), "1 ms"],
    ["verify and decide, nothing kept", ms(cold), "–"],
    ["verify and decide, after another database", ms(changed), "–"],
    ["one bundle, nothing kept", ms(bundles / 4), "10 ms"],
  ],
);
await store.close();
await rm(directory, { recursive: true, force: true });
if (warm > 1 || bundles / 4 > 10) process.exitCode = 1;
