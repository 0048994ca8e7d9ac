// Clearing under the default policies: real content store, policies and guard, a log in memory.
import { readdirSync, readFileSync } from "node:fs";
import { AuditRecord, type RecordBody, type UserPrincipal } from "@pratique/contracts";
import { silentLog } from "@pratique/core";
import { createGuard } from "@pratique/guard";
import { loadPolicySet, type PolicySet } from "@pratique/policy";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { artifactResource } from "./artifact-resource.ts";
import { attest, signArtifact } from "./attest.ts";
import { clearArtifact, type ClearOutcome } from "./clear-artifact.ts";
import { isCleared } from "./clearance.ts";
import { evidenceOf } from "./evidence-of.ts";
import { CYCLONEDX_PREDICATE, PROVENANCE_PREDICATE, VSA_PREDICATE } from "./predicates.ts";
import { provenanceOf } from "./provenance.ts";
import { writeSbom } from "@pratique/sbom";
import { verifyArtifact } from "./verify.ts";
import { openWorkbench, type Workbench } from "./workbench.fixture.ts";

const DIRECTORY = new URL("../../../policies/", import.meta.url);
const read = (name: string): string => readFileSync(new URL(name, DIRECTORY), "utf8");
const files = Object.fromEntries(
  readdirSync(DIRECTORY).flatMap((name) => (name.endsWith(".cedar") ? [[name, read(name)] as const] : [])),
);
const schema = read("pratique.cedarschema");
const policies = loadPolicySet({ schema, files });
const stricter = loadPolicySet({
  schema,
  files: {
    ...files,
    "stricter.cedar":
      '@id("level.two") @reason("r") @remedy("m") forbid (principal, action == Pratique::Action::"artifact:clear", resource) when { resource.slsaLevel < 2 };',
  },
});

const owner: UserPrincipal = { type: "User", id: "owner", name: "Owner", groups: ["owner"] };
const REFERENCE = "localhost:7340/voyage/harbour:1.0";

let bench: Workbench;
let records: AuditRecord[] = [];
let isLogBroken = false;
beforeEach(async () => {
  bench = await openWorkbench();
  records = [];
  isLogBroken = false;
});
afterEach(() => bench.close());

const append = async (body: RecordBody): Promise<AuditRecord> => {
  if (isLogBroken) throw new Error("no space left");
  const sequence = records.length;
  const time = bench.clock.now().toISOString();
  const record = AuditRecord.parse({ ...body, version: 1, id: `r${sequence}`, sequence, time });
  records.push(record);
  return record;
};

function clear(set: PolicySet = policies): Promise<ClearOutcome> {
  const { repo, subject, key, trust, clock } = bench;
  const guard = createGuard({ policy: () => set, audit: { append }, clock, log: silentLog });
  const options = {
    repo,
    subject,
    key,
    trust,
    ground: { clock },
    guard,
    principal: owner,
    kind: "skill",
    policyDigest: set.digest,
  } as const;
  return clearArtifact({ ...options, reference: REFERENCE, registry: "localhost:7340" });
}

async function prove(): Promise<void> {
  const { repo, subject, key, clock } = bench;
  await signArtifact(repo, subject, key, clock);
  const bom = writeSbom(
    {
      subject: { name: repo.name, digest: subject.digest, kind: "skill" },
      components: [],
      created: clock.now().toISOString(),
    },
    "cyclonedx-1.6",
  );
  await attest(repo, subject, { predicateType: CYCLONEDX_PREDICATE, predicate: bom }, key, clock);
  const provenance = provenanceOf({
    builder: "https://pratique.dev/pack/v1",
    buildType: "https://pratique.dev/build/v1",
    externalParameters: {},
    materials: [],
    startedOn: clock.now(),
    finishedOn: clock.now(),
    invocationId: "1",
  });
  await attest(repo, subject, { predicateType: PROVENANCE_PREDICATE, predicate: provenance }, key, clock);
}

const evidenceNow = () => evidenceOf(bench.repo, bench.subject, "skill", bench.trust);

describe("clearArtifact", () => {
  it("refuses an unsigned artifact, says by which policy, and attaches nothing", async () => {
    const outcome = await clear();
    expect(outcome.cleared).toBe(false);
    expect(outcome.decision.policies.map(({ id }) => id)).toContain("signature.required");
    expect(await bench.repo.referrers(bench.subject.digest)).toEqual([]);
    expect(records).toMatchObject([{ action: "artifact:clear", decision: "deny", outcome: "denied" }]);
  });

  it("clears what was proved, for the policy that decided, and names what it rests on", async () => {
    await prove();
    const before = await verifyArtifact(bench.repo, bench.subject, bench.trust);
    const outcome = await clear();
    if (!outcome.cleared) throw new Error(outcome.decision.reason);
    const { verified } = await verifyArtifact(bench.repo, bench.subject, bench.trust);
    const summary = verified.find(({ predicateType }) => predicateType === VSA_PREDICATE);
    expect(summary?.predicate).toMatchObject({
      verifier: { id: "https://pratique.dev/verifier/v1" },
      timeVerified: "2026-11-01T00:00:00.000Z",
      resourceUri: REFERENCE,
      policy: { digest: { sha256: policies.digest.slice(7) } },
      verificationResult: "PASSED",
      verifiedLevels: ["SLSA_BUILD_LEVEL_1"],
    });
    const inputs = before.verified.map(({ bundleDigest }) => ({ digest: { sha256: bundleDigest.slice(7) } }));
    expect(summary?.predicate["inputAttestations"]).toMatchObject(inputs);
    expect(records).toMatchObject([{ outcome: "done", details: { clearance: outcome.clearance.digest } }]);

    const evidence = await evidenceNow();
    expect(isCleared(evidence, policies.digest)).toBe(true);
    expect(isCleared(evidence, stricter.digest)).toBe(false);
  });

  it("lets policy run what is cleared under the policy in force, and nothing else", async () => {
    await prove();
    await clear();
    const evidence = await evidenceNow();
    const allows = (set: PolicySet): boolean => {
      const guard = createGuard({ policy: () => set, audit: { append }, clock: bench.clock, log: silentLog });
      const options = {
        reference: REFERENCE,
        policyDigest: set.digest,
        now: bench.clock.now(),
        registry: "localhost:7340",
      };
      const resource = artifactResource(evidence, options);
      return guard.decide({ principal: owner, action: "artifact:run", resource }).allow;
    };
    expect(allows(policies)).toBe(true);
    expect(allows(stricter)).toBe(false);
  });

  it("keeps one clearance, the newest", async () => {
    await prove();
    await clear();
    bench.clock.advance(60_000);
    await clear();
    const { clearances } = await evidenceNow();
    expect(clearances.map(({ time }) => time)).toEqual(["2026-11-01T00:01:00.000Z"]);
  });

  it("does not carry a clearance over to another artifact", async () => {
    await prove();
    await clear();
    const other = await bench.pushArtifact("another");
    expect((await evidenceOf(bench.repo, other, "skill", bench.trust)).clearances).toEqual([]);
  });

  it("refuses under a stricter policy, and leaves the earlier clearance to the policy it was made under", async () => {
    await prove();
    await clear();
    const outcome = await clear(stricter);
    expect(outcome).toMatchObject({ cleared: false, decision: { policies: [{ id: "level.two" }] } });
    expect(isCleared(await evidenceNow(), stricter.digest)).toBe(false);
  });

  it("refuses whoever is not signed in", async () => {
    await prove();
    const { repo, subject, key, trust, clock } = bench;
    const guard = createGuard({ policy: () => policies, audit: { append }, clock, log: silentLog });
    const options = {
      repo,
      subject,
      key,
      trust,
      ground: { clock },
      guard,
      principal: undefined,
      kind: "skill",
    } as const;
    const outcome = await clearArtifact({
      ...options,
      policyDigest: policies.digest,
      reference: REFERENCE,
      registry: "l",
    });
    expect(outcome.cleared).toBe(false);
  });

  it("takes the clearance back when its record cannot be written", async () => {
    await prove();
    isLogBroken = true;
    await expect(clear()).rejects.toMatchObject({ code: "guard.record-failed" });
    expect((await evidenceNow()).clearances).toEqual([]);
  });
});
