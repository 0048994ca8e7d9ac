// A daemon that dies between signing and recording: nothing stands afterwards that no record tells of.
import { SIGNATURE_PREDICATE, signArtifact, verifyArtifact, VSA_PREDICATE } from "@pratique/evidence";
import { afterEach, beforeEach, expect, it } from "vitest";
import { openScene, OWNER, type Scene } from "./clearing.fixture.ts";
import { signatureIntent, withIntent } from "./with-intent.ts";

const REFERENCE = "team/tool:1.0";
const STRICT =
  '@id("level.two") @reason("r") @remedy("m") forbid (principal, action == Pratique::Action::"artifact:clear", resource) when { resource.slsaLevel < 2 };';

let scene: Scene;
beforeEach(async () => {
  scene = await openScene();
  await scene.prove("team/tool");
});
afterEach(() => scene.close());

const find = () => scene.clearing.clearances.find(REFERENCE);
async function standing(predicateType: string): Promise<string[]> {
  const { repository, descriptor } = await find();
  const { verified } = await verifyArtifact(repository, descriptor, scene.trust);
  return verified.filter((one) => one.predicateType === predicateType).map(({ referrer }) => referrer.digest);
}
const recorded = (action: string, detail: string) =>
  scene.records
    .filter((record) => record.action === action && record.decision === "allow")
    .flatMap(({ details }) => details?.[detail] ?? []);

/** The log takes its records no more, as when the process is gone: the act never comes to its end. */
async function dieWhile(act: () => Promise<unknown>, isSigned: () => Promise<boolean>): Promise<void> {
  const release = scene.hangLog();
  void act().catch(() => undefined);
  while (!(await isSigned())) await new Promise((resolve) => setImmediate(resolve));
  await scene.reopen(release);
}

it("records a clearance that stands without one, when policy would give it", async () => {
  await dieWhile(
    () => scene.clearing.clearances.clear(OWNER, REFERENCE),
    async () => (await standing(VSA_PREDICATE)).length > 0,
  );
  const left = await standing(VSA_PREDICATE);
  expect(left).toHaveLength(1);
  expect(recorded("artifact:clear", "clearance")).toEqual(left);
  expect(await scene.database.actIntents.list()).toEqual([]);
});

it("takes a clearance away that stands without a record, when policy would not give it any more", async () => {
  await dieWhile(
    () => scene.clearing.clearances.clear(OWNER, REFERENCE),
    async () => {
      const isSigned = (await standing(VSA_PREDICATE)).length > 0;
      if (isSigned) scene.setPolicy(STRICT);
      return isSigned;
    },
  );
  expect(await standing(VSA_PREDICATE)).toEqual([]);
  expect(recorded("artifact:clear", "clearance")).toEqual([]);
});

it("records a signature that stands without one", async () => {
  const found = await find();
  const [before = ""] = await standing(SIGNATURE_PREDICATE);
  await found.repository.deleteManifest(before as typeof found.descriptor.digest);
  scene.clock.advance(1000);
  const { intents } = scene.clearing;
  const resource = await scene.clearing.clearances.resource(found);
  const sign = () =>
    withIntent(intents, signatureIntent(OWNER, found), (begin) =>
      scene.guard.perform({ principal: OWNER, action: "artifact:sign", resource }, async (_decision, note) => {
        await begin();
        const { digest } = await signArtifact(found.repository, found.descriptor, scene.key, scene.clock);
        note({ signature: digest });
      }),
    );
  await dieWhile(sign, async () => (await standing(SIGNATURE_PREDICATE)).length > 0);
  expect(recorded("artifact:sign", "signature")).toEqual(await standing(SIGNATURE_PREDICATE));
});

it("leaves alone what was signed before, and by others", async () => {
  const before = await standing(SIGNATURE_PREDICATE);
  scene.clock.advance(1000);
  const found = await find();
  await scene.clearing.intents.begin({ ...signatureIntent(OWNER, found), principal: OWNER });
  await scene.reopen();
  expect(await standing(SIGNATURE_PREDICATE)).toEqual(before);
  expect(scene.records).toEqual([]);
  expect(await scene.database.actIntents.list()).toEqual([]);
});
