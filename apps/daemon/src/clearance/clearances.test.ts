// What is said of clearances that are given, renewed and lost.
import { VSA_PREDICATE, verifyArtifact } from "@pratique/evidence";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ClearanceBackground } from "./background.ts";
import { CRITICAL, GUEST, openScene, OWNER, type Scene } from "./clearing.fixture.ts";

const STRICT =
  '@id("level.two") @reason("r") @remedy("pack it in our CI") forbid (principal, action == Pratique::Action::"artifact:clear", resource) when { resource.slsaLevel < 2 };';
const HARMLESS =
  '@id("level.none") @reason("r") @remedy("m") forbid (principal, action == Pratique::Action::"artifact:clear", resource) when { resource.slsaLevel < 0 };';
const REFERENCE = "team/tool:1.0";

let scene: Scene;
beforeEach(async () => {
  scene = await openScene();
});
afterEach(() => scene.close());

const clear = () => scene.clearing.clearances.clear(OWNER, REFERENCE);
const now = () => scene.clearing.clearances.clearedNow(REFERENCE);
const list = () => scene.clearing.clearances.list(OWNER, false, false);
const clearRecords = () => scene.records.filter(({ action }) => action === "artifact:clear");
const verdict = async () => {
  const { repository, descriptor } = await scene.clearing.clearances.find(REFERENCE);
  const { verified } = await verifyArtifact(repository, descriptor, scene.trust);
  return verified.find(({ predicateType }) => predicateType === VSA_PREDICATE)?.predicate;
};
/** Lets the background look once. */
async function lookAround(): Promise<void> {
  const { clearances } = scene.clearing;
  let looks = 0;
  const background = new ClearanceBackground({
    clearances,
    store: scene.store,
    stamp: () => String((looks += 1)),
    log: { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined },
  });
  background.start();
  await background.settled();
  await background.close();
}

describe("a clearance", () => {
  it("names the database it was decided with, and is made anew by itself when that changed and policy says the same", async () => {
    await scene.prove("team/tool");
    expect(await clear()).toMatchObject({ cleared: true, vulnerabilities: { status: "checked" } });
    expect(await verdict()).toMatchObject({ verifier: { version: { "vulnerability-database": "d1" } } });
    scene.setDatabase("d2", []);
    expect(await now()).toMatchObject({ cleared: true });
    expect(await verdict()).toMatchObject({ verifier: { version: { "vulnerability-database": "d2" } } });
    expect(clearRecords().map(({ decision, details }) => [decision, details?.["because"]])).toEqual([
      ["allow", undefined],
      ["allow", "the vulnerability database changed"],
    ]);
  });

  it("is made anew once, however many ask at the same time", async () => {
    await scene.prove("team/tool");
    await clear();
    scene.setPolicy(HARMLESS);
    const answers = await Promise.all(Array.from({ length: 8 }, now));
    expect(answers.every(({ cleared }) => cleared)).toBe(true);
    expect(clearRecords()).toHaveLength(2);
  });

  it("is lost to a stricter policy: recorded once, told once, with the reason and what helps", async () => {
    await scene.prove("team/tool");
    await clear();
    scene.setPolicy(STRICT);
    await lookAround();
    await Promise.all([now(), now()]);
    expect(await now()).toMatchObject({
      cleared: false,
      policies: [{ id: "level.two" }],
      remedy: "pack it in our CI; pratique clear localhost:7340/team/tool:1.0",
    });
    expect(clearRecords().map(({ decision }) => decision)).toEqual(["allow", "deny"]);
    expect(scene.events.filter(({ type }) => type === "clearance.lost")).toMatchObject([
      { data: { reference: "localhost:7340/team/tool:1.0", because: "policy", policies: [{ id: "level.two" }] } },
    ]);
    expect(await list()).toMatchObject({
      counts: { cleared: 0, lost: 1 },
      clearances: [{ state: "lost", because: "policy", policies: [{ id: "level.two", remedy: "pack it in our CI" }] }],
    });
  });

  it("that was lost stays so over a restart, and is had back without anybody when its ground is", async () => {
    await scene.prove("team/tool");
    await clear();
    scene.setDatabase("d2", [CRITICAL]);
    await now();
    await scene.reopen();
    await now();
    expect(clearRecords()).toHaveLength(2);
    expect((await list()).counts).toEqual({ cleared: 0, lost: 1 });
    scene.setDatabase("d3", []);
    expect(await now()).toMatchObject({ cleared: true });
    expect((await list()).counts).toEqual({ cleared: 1, lost: 0 });
  });

  it("is found after a restart that knows no table of it", async () => {
    const { repository, descriptor } = await scene.prove("team/tool");
    await clear();
    await scene.database.clearances.forget(repository.name, descriptor.digest);
    await scene.reopen();
    await lookAround();
    expect((await list()).counts).toEqual({ cleared: 1, lost: 0 });
  });

  it("is forgotten with its artifact", async () => {
    const { repository, descriptor } = await scene.prove("team/tool");
    await clear();
    await repository.deleteManifest(descriptor.digest);
    await lookAround();
    expect((await list()).clearances).toEqual([]);
  });

  it("is not taken away by who may not clear", async () => {
    await scene.close();
    scene = await openScene({ signRefusals: true });
    await scene.prove("team/tool");
    await clear();
    expect(await scene.clearing.clearances.clear(GUEST, REFERENCE)).toMatchObject({ cleared: false });
    expect(await now()).toMatchObject({ cleared: true });
  });

  it("is refused in writing where the configuration wants it, with reasons, and given when they are gone", async () => {
    await scene.close();
    scene = await openScene({ signRefusals: true });
    await scene.prove("team/tool");
    await clear();
    scene.setDatabase("d2", [CRITICAL]);
    const refused = await clear();
    expect(refused).toMatchObject({ cleared: false, notable: [{ id: "GHSA-1" }] });
    expect(refused.refusal).toBeDefined();
    expect(await verdict()).toMatchObject({
      verificationResult: "FAILED",
      verifiedLevels: ["FAILED"],
      pratique_refusal: { policies: [{ id: "vulnerabilities.critical-with-fix" }], wasCleared: true },
    });
    scene.setDatabase("d3", []);
    expect(await now()).toMatchObject({ cleared: true });
  });

  it("needs a person where it does not renew itself", async () => {
    await scene.close();
    scene = await openScene({ renew: false });
    await scene.prove("team/tool");
    await clear();
    scene.setDatabase("d2", []);
    expect(await now()).toMatchObject({ cleared: false, remedy: "pratique clear localhost:7340/team/tool:1.0" });
    expect((await list()).counts).toEqual({ cleared: 0, lost: 1 });
    expect(await scene.clearing.clearances.clearAll(OWNER)).toMatchObject({ cleared: 1, lost: [] });
    expect(await now()).toMatchObject({ cleared: true });
  });

  it("does not stand while the log cannot be written, and stands again after", async () => {
    await scene.prove("team/tool");
    await clear();
    scene.setDatabase("d2", []);
    scene.breakLog(true);
    expect(await now()).toMatchObject({ cleared: false });
    scene.breakLog(false);
    // Guard owes the record that failed first.
    await now();
    expect(await now()).toMatchObject({ cleared: true });
  });
});

describe("clearing all", () => {
  it("says what stands, what was made anew and what is lost", async () => {
    await scene.prove("team/tool");
    await scene.prove("team/other", { annotations: { other: "yes" } });
    await clear();
    await scene.clearing.clearances.clear(OWNER, "team/other:1.0");
    scene.clock.advance(1000);
    scene.setPolicy(HARMLESS);
    const all = await scene.clearing.clearances.clearAll(OWNER);
    expect(all).toMatchObject({ cleared: 2, renewed: [{ state: "cleared" }, { state: "cleared" }], lost: [] });
    scene.setPolicy(STRICT);
    expect(await scene.clearing.clearances.clearAll(OWNER)).toMatchObject({ cleared: 0, lost: [{}, {}] });
  });
});
