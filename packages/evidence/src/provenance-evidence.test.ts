// Provenance of a build platform in evidence, over a real content store: what counts, and what policy sees of it.
import type { Evidence } from "@pratique/contracts";
import type { JsonObject } from "@pratique/core";
import { afterEach, beforeEach, expect, it } from "vitest";
import { artifactResource } from "./artifact-resource.ts";
import { attest } from "./attest.ts";
import { EvidenceCache } from "./evidence-cache.ts";
import { evidenceOf } from "./evidence-of.ts";
import { PROVENANCE_PREDICATE, PROVENANCE_V02_PREDICATE } from "./predicates.ts";
import { provenanceOf } from "./provenance.ts";
import type { TrustedBuilder } from "./provenance-builders.ts";
import type { Trust } from "./trust.ts";
import { openWorkbench, POLICY_A, type Workbench } from "./workbench.fixture.ts";

let bench: Workbench;
beforeEach(async () => {
  bench = await openWorkbench();
});
afterEach(() => bench.close());

const GENERATOR =
  "https://github.com/slsa-framework/slsa-github-generator/.github/workflows/generator_container_slsa3.yml@refs/tags/v2.1.0";
const builder: TrustedBuilder = {
  name: "slsa-generator",
  id: "https://github.com/slsa-framework/slsa-github-generator/.github/workflows/*@refs/tags/v*",
  signers: ["ci"],
  slsaLevel: 3,
  sources: ["https://github.com/team/*"],
};

const generated = (repository = "https://github.com/team/app"): JsonObject => ({
  builder: { id: GENERATOR },
  buildType: "https://github.com/slsa-framework/slsa-github-generator/container@v1",
  invocation: {
    configSource: { uri: `git+${repository}@refs/tags/v1`, digest: { sha1: "1".repeat(40) }, entryPoint: "x" },
  },
  materials: [],
});
const own = (): JsonObject =>
  provenanceOf({
    builder: "https://pratique.dev/daemon@1",
    builderVersion: { node: "24.0.0" },
    buildType: "https://pratique.dev/build-types/pack/model/v1",
    externalParameters: {},
    materials: [],
    startedOn: bench.clock.now(),
    finishedOn: bench.clock.now(),
    invocationId: "1",
  });

const trust = (builders: readonly TrustedBuilder[] = [builder]): Trust => ({
  keys: [...bench.trust.keys, { name: "ci", publicKeyPem: bench.otherKey.publicKeyPem, slsaLevel: 1 }],
  builders,
});
const read = (of: Trust, cache?: EvidenceCache): Promise<Evidence> =>
  evidenceOf(bench.repo, bench.subject, "image", of, cache);
const attach = (predicateType: string, predicate: JsonObject, key = bench.otherKey) =>
  attest(bench.repo, bench.subject, { predicateType, predicate }, key, bench.clock);
const seen = (evidence: Evidence): JsonObject =>
  artifactResource(evidence, { reference: "r", policyDigest: POLICY_A, now: bench.clock.now(), registry: "r" })
    .attributes ?? {};

it("counts up to the level of its build platform, with the source that it names", async () => {
  await attach(PROVENANCE_V02_PREDICATE, generated());
  const evidence = await read(trust());
  expect(evidence.provenance).toMatchObject({ slsaLevel: 3, builderName: "slsa-generator" });
  expect(seen(evidence)).toMatchObject({
    provenance: true,
    slsaLevel: 3,
    builder: GENERATOR,
    source: "git+https://github.com/team/app@refs/tags/v1",
  });
});

it("counts for nothing when another signer speaks for the platform, or the source is another", async () => {
  await attach(PROVENANCE_V02_PREDICATE, generated(), bench.key);
  const impostor = await read(trust());
  expect(impostor.provenance).toMatchObject({ slsaLevel: 0, unmet: [expect.stringContaining("only ci may")] });
  expect(seen(impostor)).toMatchObject({ provenance: false, slsaLevel: 0 });
  for (const claim of ["builder", "source"]) expect(seen(impostor)).not.toHaveProperty(claim);
  await attach(PROVENANCE_V02_PREDICATE, generated("https://github.com/evil/app"));
  expect(seen(await read(trust()))).toMatchObject({ provenance: false, slsaLevel: 0 });
});

it("prefers what counts to what is newer", async () => {
  await attach(PROVENANCE_V02_PREDICATE, generated());
  bench.clock.advance(1000);
  await attach(PROVENANCE_PREDICATE, own(), bench.key);
  expect(await read(trust())).toMatchObject({ provenance: { slsaLevel: 3, builder: GENERATOR } });
  expect(await read(trust([{ ...builder, slsaLevel: 0 }]))).toMatchObject({ provenance: { slsaLevel: 1 } });
});

it("is judged anew when the trust in platforms changes", async () => {
  const cache = new EvidenceCache();
  await attach(PROVENANCE_V02_PREDICATE, generated());
  expect((await read(trust(), cache)).provenance?.slsaLevel).toBe(3);
  expect((await read(trust([{ ...builder, slsaLevel: 2 }]), cache)).provenance?.slsaLevel).toBe(2);
});

it("shows policies no build platform that a trusted signer only claims", async () => {
  await attach(PROVENANCE_V02_PREDICATE, generated());
  const claimed = await read(trust([]));
  expect(claimed.provenance).toMatchObject({ builder: GENERATOR, slsaLevel: 1 });
  expect(seen(claimed)).toMatchObject({ provenance: true, slsaLevel: 1 });
  expect(seen(claimed)).not.toHaveProperty("builder");
});
