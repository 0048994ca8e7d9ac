// From referrers to one typed value, over a real content store.
import { Evidence } from "@pratique/contracts";
import type { JsonObject } from "@pratique/core";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { artifactResource } from "./artifact-resource.ts";
import { attest, signArtifact } from "./attest.ts";
import { EvidenceCache } from "./evidence-cache.ts";
import { evidenceOf } from "./evidence-of.ts";
import { CYCLONEDX_PREDICATE, PROVENANCE_PREDICATE, PROVENANCE_V02_PREDICATE, VSA_PREDICATE } from "./predicates.ts";
import { provenanceOf } from "./provenance.ts";
import { writeSbom, type SbomComponent } from "@pratique/sbom";
import type { Trust } from "./trust.ts";
import { openWorkbench, POLICY_A, POLICY_B, replacing, type Workbench } from "./workbench.fixture.ts";

let bench: Workbench;
beforeEach(async () => {
  bench = await openWorkbench();
});
afterEach(() => bench.close());

const read = (trust: Trust = bench.trust): Promise<Evidence> => evidenceOf(bench.repo, bench.subject, "model", trust);
const attach = (predicateType: string, predicate: JsonObject, key = bench.key) =>
  attest(bench.repo, bench.subject, { predicateType, predicate }, key, bench.clock);
const bom = (components: SbomComponent[]): JsonObject =>
  writeSbom(
    {
      subject: { name: bench.repo.name, digest: bench.subject.digest, kind: "model" },
      components,
      created: bench.clock.now().toISOString(),
    },
    "cyclonedx-1.6",
  );
const provenance = (builder = "https://pratique.dev/pack/v1"): JsonObject =>
  provenanceOf({
    builder,
    buildType: "https://pratique.dev/build/v1",
    externalParameters: { directory: "harbour" },
    materials: [{ uri: "git+https://example.com/a", digest: { gitCommit: "1".repeat(40) } }],
    startedOn: bench.clock.now(),
    finishedOn: bench.clock.now(),
    invocationId: "1",
  });
const vsa = (policy: string, result = "PASSED"): JsonObject => ({
  verifier: { id: "https://example.com" },
  timeVerified: bench.clock.now().toISOString(),
  resourceUri: "r",
  policy: { uri: "p", digest: { sha256: policy.slice("sha256:".length) } },
  verificationResult: result,
  verifiedLevels: [],
});

/** What policy would see under POLICY_A. */
const attributes = (evidence: Evidence, policyDigest: string = POLICY_A): JsonObject =>
  artifactResource(evidence, {
    reference: "localhost:7340/voyage/harbour:1.0",
    policyDigest,
    now: bench.clock.now(),
    registry: "localhost:7340",
  }).attributes ?? {};

describe("evidenceOf", () => {
  it("knows nothing of an artifact with nothing on it, and says that nothing was checked", async () => {
    const evidence = await read();
    expect(Evidence.parse(evidence)).toMatchObject({
      repository: "voyage/harbour",
      digest: bench.subject.digest,
      signers: [],
      clearances: [],
      rejected: [],
      imageType: "community",
      vulnerabilities: { status: "not-checked" },
    });
    expect(attributes(evidence)).toMatchObject({
      signed: false,
      sbom: false,
      provenance: false,
      slsaLevel: 0,
      cleared: false,
      vulnerabilitiesChecked: false,
    });
    expect(attributes(evidence)).not.toHaveProperty("builder");
  });

  it("gathers signature, bill of materials and provenance", async () => {
    await signArtifact(bench.repo, bench.subject, bench.key, bench.clock);
    await attach(
      CYCLONEDX_PREDICATE,
      bom([{ type: "machine-learning-model", name: "m", licences: ["MIT"], model: {} }]),
    );
    await attach(PROVENANCE_PREDICATE, provenance());
    const evidence = Evidence.parse(await read());
    const owner = { id: bench.key.keyId, name: "owner" };
    expect(evidence).toMatchObject({
      signers: [owner],
      imageType: "organization",
      sbom: { format: "CycloneDX 1.6", components: 1, signer: owner },
      aibom: { format: "CycloneDX 1.6", signer: owner },
      provenance: { builder: "https://pratique.dev/pack/v1", source: "git+https://example.com/a", slsaLevel: 1 },
      licences: ["MIT"],
      created: "2026-11-01T00:00:00.000Z",
    });
    bench.clock.advance(3 * 86_400_000);
    expect(attributes(evidence)).toMatchObject({
      signed: true,
      signers: ["owner"],
      signedByOwner: true,
      provenance: true,
      builder: "https://pratique.dev/pack/v1",
      sbom: true,
      aibom: true,
      licences: ["MIT"],
      ageDays: 3,
    });
  });

  it("keeps in mind that somebody found a pickle, whatever a later bill of materials leaves out", async () => {
    expect(attributes(await read())).toMatchObject({ pickle: false });
    const properties = { "pratique:unsafe-format": "pickle" };
    await attach(CYCLONEDX_PREDICATE, bom([{ type: "file", name: "pytorch_model.bin", properties }]));
    expect(attributes(await read())).toMatchObject({ pickle: true });
    bench.clock.advance(1000);
    await attach(CYCLONEDX_PREDICATE, bom([]), bench.otherKey);
    const { keys } = bench.trust;
    const both = { keys: [...keys, { name: "vendor", publicKeyPem: bench.otherKey.publicKeyPem }] };
    expect(attributes(await read(both))).toMatchObject({ pickle: true });
  });

  it("does not take a signed bill of materials for a signature on the artifact", async () => {
    await attach(CYCLONEDX_PREDICATE, bom([]));
    const evidence = await read();
    expect(evidence.sbom).toBeDefined();
    expect(evidence.signers).toEqual([]);
    expect(attributes(evidence)).toMatchObject({ signed: false, signers: [], signedByOwner: false });
  });

  it("takes nothing from a key that is not trusted, and says why", async () => {
    await signArtifact(bench.repo, bench.subject, bench.otherKey, bench.clock);
    await attach(CYCLONEDX_PREDICATE, bom([]), bench.otherKey);
    const evidence = Evidence.parse(await read());
    expect(evidence.signers).toEqual([]);
    expect(evidence.sbom).toBeUndefined();
    expect(evidence.rejected.map(({ reason }) => reason)).toEqual(["unknown-key", "unknown-key"]);
  });

  it("tells a trusted vendor from the owner", async () => {
    await signArtifact(bench.repo, bench.subject, bench.otherKey, bench.clock);
    const keys = [...bench.trust.keys, { name: "vendor", publicKeyPem: bench.otherKey.publicKeyPem }];
    const evidence = await read({ keys });
    expect(evidence.imageType).toBe("verified");
    expect(attributes(evidence)).toMatchObject({ signed: true, signers: ["vendor"], signedByOwner: false });
  });

  it("reads BuildKit's provenance v0.2, and believes a level only as far as its key is trusted", async () => {
    await attach(PROVENANCE_V02_PREDICATE, { builder: { id: "https://buildkit" }, buildType: "https://b" });
    const [key] = bench.trust.keys;
    expect((await read({ keys: [{ ...key!, slsaLevel: 3 }] })).provenance).toMatchObject({
      builder: "https://buildkit",
      slsaLevel: 3,
    });
    expect((await read()).provenance?.slsaLevel).toBe(1);
  });

  it("passes over statements of a known type that say nothing readable", async () => {
    await attach(CYCLONEDX_PREDICATE, { bomFormat: "SPDX" });
    await attach(PROVENANCE_PREDICATE, { runDetails: {} });
    await attach(VSA_PREDICATE, { verificationResult: "PASSED" });
    const evidence = Evidence.parse(await read());
    expect(evidence.sbom).toBeUndefined();
    expect(evidence.provenance).toBeUndefined();
    expect(evidence.clearances).toEqual([]);
  });

  it("takes the newest by the time that was signed, whatever the manifest claims", async () => {
    const repo = replacing(bench.repo, { deleteManifest: () => Promise.resolve(false) });
    const put = (predicate: JsonObject) =>
      attest(repo, bench.subject, { predicateType: PROVENANCE_PREDICATE, predicate }, bench.key, bench.clock);
    const old = provenance("https://old");
    bench.clock.advance(1000);
    await put(provenance("https://new"));
    bench.clock.advance(1000);
    // Attached last, so its manifest is the newest; what is signed in it is the oldest.
    await put(old);
    expect((await read()).provenance?.builder).toBe("https://new");
  });

  it("counts a clearance only under its own policy, and the newest verdict of that", async () => {
    await attach(VSA_PREDICATE, vsa(POLICY_A));
    const evidence = await read();
    expect(attributes(evidence, POLICY_A)["cleared"]).toBe(true);
    expect(attributes(evidence, POLICY_B)["cleared"]).toBe(false);
    bench.clock.advance(1000);
    await attach(VSA_PREDICATE, vsa(POLICY_A, "FAILED"));
    expect(attributes(await read(), POLICY_A)["cleared"]).toBe(false);
  });

  it("does not take a clearance from whoever is trusted to sign only", async () => {
    await attach(VSA_PREDICATE, vsa(POLICY_A), bench.otherKey);
    const vendor = { name: "vendor", publicKeyPem: bench.otherKey.publicKeyPem };
    expect((await read({ keys: [vendor] })).clearances).toEqual([]);
    expect((await read({ keys: [{ ...vendor, clears: true }] })).clearances).toHaveLength(1);
  });

  it("treats an artifact without a date as older than any policy allows", async () => {
    expect(attributes(await read())["ageDays"]).toBe(36_500);
  });

  it("dates an artifact by its own manifest first", async () => {
    const dated = await bench.pushArtifact("dated", { "org.opencontainers.image.created": "2026-10-22T00:00:00Z" });
    const evidence = await evidenceOf(bench.repo, dated, "skill", bench.trust);
    expect(attributes(evidence)["ageDays"]).toBe(10);
  });
});

describe("a cache of evidence", () => {
  it("saves verification until a referrer or the trust changes", async () => {
    const cache = new EvidenceCache();
    let reads = 0;
    const repo = replacing(bench.repo, {
      openBlob: (digest) => {
        reads += 1;
        return bench.repo.openBlob(digest);
      },
    });
    const cached = (trust = bench.trust) => evidenceOf(repo, bench.subject, "model", trust, cache);
    await signArtifact(bench.repo, bench.subject, bench.key, bench.clock);
    const first = await cached();
    expect(await cached()).toBe(first);
    expect(reads).toBe(1);
    expect((await cached({ keys: [] })).signers).toEqual([]);
    expect(reads).toBe(2);
    const added = await attach(CYCLONEDX_PREDICATE, bom([]));
    expect((await cached()).sbom).toBeDefined();
    await bench.repo.deleteManifest(added.digest);
    expect(await cached()).toBe(first);
  });

  it("does not keep a reading in which something was missing", async () => {
    const cache = new EvidenceCache();
    await signArtifact(bench.repo, bench.subject, bench.key, bench.clock);
    const repo = replacing(bench.repo, { manifest: () => Promise.resolve(undefined) });
    expect((await evidenceOf(repo, bench.subject, "model", bench.trust, cache)).signers).toEqual([]);
    expect((await evidenceOf(bench.repo, bench.subject, "model", bench.trust, cache)).signers).toHaveLength(1);
  });

  it("stays within its limit, and keeps what is used", async () => {
    const cache = new EvidenceCache(2);
    const subjects = [bench.subject, await bench.pushArtifact("b"), await bench.pushArtifact("c")];
    const get = (index: number) => evidenceOf(bench.repo, subjects[index]!, "model", bench.trust, cache);
    const first = await get(0);
    const second = await get(1);
    await get(0);
    await get(2);
    expect(cache.size).toBe(2);
    expect(await get(0)).toBe(first);
    expect(await get(1)).not.toBe(second);
  });
});
