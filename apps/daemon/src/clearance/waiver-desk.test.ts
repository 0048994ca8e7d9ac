// Waivers: granted, in force, over, taken back, and tampered with.
import type { WaiverRequest } from "@pratique/contracts";
import { attest, waiverPredicate, WAIVER_PREDICATE } from "@pratique/evidence";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { CRITICAL, GUEST, openScene, OWNER, type Scene } from "./clearing.fixture.ts";

const REFERENCE = "team/tool:1.0";
const DAY_MS = 86_400_000;
let scene: Scene;
beforeEach(async () => {
  scene = await openScene();
  scene.setDatabase("d1", [CRITICAL]);
  await scene.prove("team/tool");
});
afterEach(() => scene.close());

const clear = () => scene.clearing.clearances.clear(OWNER, REFERENCE);
const now = async () => (await scene.clearing.clearances.clearedNow(REFERENCE)).cleared;
const add = (request: Partial<WaiverRequest>) =>
  scene.clearing.waivers.add(OWNER, { reason: "not reachable", expires: "2026-11-08T00:00:00Z", ...request });

describe("a waiver", () => {
  it("leaves a vulnerability out of the counts, and is named in the clearance and in the evidence", async () => {
    expect(await clear()).toMatchObject({ cleared: false, vulnerabilities: { critical: 1, criticalWithFix: 1 } });
    await add({ reference: REFERENCE, vulnerability: "CVE-2026-1234" });
    expect(await clear()).toMatchObject({
      cleared: true,
      vulnerabilities: { critical: 0 },
      waivers: [{ findings: ["GHSA-1"], reason: "not reachable", by: "olga (user-1)" }],
    });
    const evidence = await scene.clearing.clearances.evidence(await scene.clearing.clearances.find(REFERENCE));
    expect(evidence.waivers).toMatchObject([{ findings: ["GHSA-1"], expires: "2026-11-08T00:00:00.000Z" }]);
    expect(scene.records.find(({ action }) => action === "artifact:waive")).toMatchObject({
      decision: "allow",
      details: { waiver: { reason: "not reachable", scope: { vulnerability: "CVE-2026-1234" } } },
    });
  });

  it("waives one policy, for the repositories that its pattern fits", async () => {
    await add({ repository: "vendor/*", policy: "vulnerabilities.critical-with-fix" });
    expect(await clear()).toMatchObject({ cleared: false });
    await add({ repository: "team/*", policy: "vulnerabilities.critical-with-fix" });
    expect(await clear()).toMatchObject({ cleared: true, vulnerabilities: { critical: 1 } });
  });

  it.each(["left-pad", "pkg:npm/left-pad", "pkg:npm/left-pad@1.0.0"])("is for the package %s", async (name) => {
    await add({ repository: "**", package: name });
    expect(await clear()).toMatchObject({ cleared: true });
  });

  it.each(["pad", "pkg:npm/left", "left-pad@1.0.0"])("is not for the package %s, which is another", async (name) => {
    await add({ repository: "**", package: name });
    expect(await clear()).toMatchObject({ cleared: false });
  });

  it("that is over or taken back takes the clearance with it", async () => {
    const { waiver } = await add({ reference: REFERENCE, vulnerability: "GHSA-1" });
    await clear();
    expect(await now()).toBe(true);
    await scene.clearing.waivers.remove(OWNER, waiver.id);
    expect(await now()).toBe(false);
    await add({ reference: REFERENCE, vulnerability: "GHSA-1" });
    expect(await now()).toBe(true);
    scene.clock.advance(7 * DAY_MS);
    expect(await now()).toBe(false);
    expect((await scene.clearing.waivers.list(OWNER)).map(({ state }) => state)).toEqual(["removed", "expired"]);
  });

  it("that was taken back counts for nothing when somebody hangs it on the artifact again", async () => {
    const { waiver } = await add({ reference: REFERENCE, vulnerability: "GHSA-1" });
    await scene.clearing.waivers.remove(OWNER, waiver.id);
    const { repository, descriptor } = await scene.clearing.clearances.find(REFERENCE);
    const predicate = waiverPredicate([waiver], new Date("2026-11-01T01:00:00Z"));
    await attest(repository, descriptor, { predicateType: WAIVER_PREDICATE, predicate }, scene.key, scene.clock);
    expect(await clear()).toMatchObject({ cleared: false });
    await scene.reopen();
    expect(await clear()).toMatchObject({ cleared: false });
  });

  it("travels with its artifact: another installation that trusts the signer sees it", async () => {
    await add({ reference: REFERENCE, vulnerability: "GHSA-1" });
    const [row] = await scene.database.waivers.list();
    if (row === undefined) throw new Error("there is no waiver");
    // As in an installation whose book knows nothing of it.
    await scene.database.waivers.forget(row.id);
    await scene.reopen();
    expect(await clear()).toMatchObject({ cleared: true, waivers: [{ id: row.id }] });
  });

  it("that was altered in the database waives nothing", async () => {
    const { waiver } = await add({ repository: "**", vulnerability: "GHSA-1" });
    const [row] = await scene.database.waivers.list();
    if (row === undefined) throw new Error("there is no waiver");
    const bundle: { dsseEnvelope: { payload: string } } = JSON.parse(row.bundle);
    const text = Buffer.from(bundle.dsseEnvelope.payload, "base64").toString();
    const later = text.replaceAll(waiver.expires, "2036-11-08T00:00:00.000Z");
    bundle.dsseEnvelope.payload = Buffer.from(later).toString("base64");
    await scene.database.waivers.forget(row.id);
    await scene.database.waivers.insert({ ...row, bundle: JSON.stringify(bundle) });
    await scene.reopen();
    expect(await clear()).toMatchObject({ cleared: false });
  });

  it("without a record is not in force, and gone after a restart", async () => {
    scene.breakLog(true);
    await expect(add({ repository: "**", vulnerability: "GHSA-1" })).rejects.toMatchObject({
      code: "guard.record-failed",
    });
    scene.breakLog(false);
    await scene.reopen();
    expect(await scene.database.waivers.list()).toEqual([]);
    await clear();
    expect(await clear()).toMatchObject({ cleared: false });
  });

  it("is granted by who may, in bounds", async () => {
    const request = { repository: "**", vulnerability: "GHSA-1", reason: "r", expires: "2026-11-08T00:00:00Z" };
    await expect(scene.clearing.waivers.add(GUEST, request)).rejects.toMatchObject({ code: "policy.denied" });
    const invalid = { code: "waiver.invalid" };
    await expect(add({ vulnerability: "GHSA-1" })).rejects.toMatchObject(invalid);
    await expect(add({ repository: "**" })).rejects.toMatchObject(invalid);
    await expect(add({ repository: "**", policy: "a", package: "b" })).rejects.toMatchObject(invalid);
    await expect(add({ repository: "**", policy: "a", expires: "2026-10-01T00:00:00Z" })).rejects.toMatchObject(
      invalid,
    );
    await expect(add({ repository: "**", policy: "a", expires: "2036-10-01T00:00:00Z" })).rejects.toMatchObject(
      invalid,
    );
    await expect(scene.clearing.waivers.remove(OWNER, "nothing")).rejects.toMatchObject({ code: "waiver.not-found" });
  });
});
