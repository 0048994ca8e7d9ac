// What other policies would change.
import { describe, expect, it } from "vitest";
import type { PolicyRequest } from "../cedar-request.ts";
import { loadPolicySet, type PolicySet } from "../policy-set.ts";
import { readRecordedRequest } from "./recorded-request.ts";
import { Simulation, type RecordedDecision } from "./simulation.ts";

const SCHEMA = `namespace Pratique {
  entity User = { name: String, owner: Bool };
  entity Artifact = { kind: String, cleared: Bool, waived: Set<String> };
  action "artifact:run", "artifact:pull" appliesTo { principal: [User], resource: [Artifact], context: { approved?: Bool } };
}`;
const PERMIT = '@id("owner-may")\npermit (principal, action, resource) when { principal.owner };';
const CLEARED =
  '@id("clearance.required")\nforbid (principal, action == Pratique::Action::"artifact:run", resource) unless { resource.cleared };';
const setOf = (...texts: string[]): PolicySet =>
  loadPolicySet({ schema: SCHEMA, files: { "all.cedar": texts.join("\n") } });
const IN_FORCE = setOf(PERMIT, CLEARED);
const NO_MODELS = '@id("no-models")\nforbid (principal, action, resource) when { resource.kind == "model" };';

const request = (kind: string, cleared = true): PolicyRequest => ({
  principal: { type: "User", id: "u", attributes: { name: "Ada", owner: true } },
  action: "artifact:run",
  resource: { type: "Artifact", id: `a/${kind}`, attributes: { kind, cleared } },
});

const recorded = (what: string, changes: Partial<RecordedDecision> = {}): RecordedDecision => ({
  record: `record of ${what}`,
  time: "2026-11-01T00:00:00Z",
  who: "Ada",
  action: "artifact:run",
  what,
  allow: true,
  ...changes,
});

describe("Simulation", () => {
  it("counts by the policy that would decide, with examples", () => {
    const simulation = new Simulation({ inForce: IN_FORCE, candidate: setOf(PERMIT, CLEARED, NO_MODELS), examples: 2 });
    for (let n = 0; n < 5; n += 1) simulation.add(recorded(`m${n}`, { inputs: "model" }), request("model"));
    simulation.add(recorded("s", { inputs: "skill" }), request("skill"));
    const { policies, ...counts } = simulation.report;
    expect(counts).toMatchObject({ replayed: 6, unchanged: 1, denies: 5, allows: 0, recordedOtherwise: 0 });
    expect(policies).toMatchObject([{ policy: "no-models", denies: 5, allows: 0 }]);
    expect(policies[0]?.examples.map(({ what }) => what)).toEqual(["m0", "m1"]);
  });

  it("tells what would be allowed, and what no policy would allow any more", () => {
    const looser = new Simulation({ inForce: IN_FORCE, candidate: setOf(PERMIT) });
    looser.add(recorded("a", { allow: false }), request("skill", false));
    expect(looser.report.policies).toMatchObject([
      { policy: "owner-may", allows: 1, examples: [{ verdict: "allow" }] },
    ]);
    const empty = new Simulation({ inForce: IN_FORCE, candidate: setOf(CLEARED) });
    empty.add(recorded("a"), request("skill"));
    expect(empty.report.policies).toMatchObject([{ policy: "none", denies: 1 }]);
  });

  it("asks about what stands on an artifact that loses its clearance as not cleared", () => {
    const simulation = new Simulation({ inForce: IN_FORCE, candidate: IN_FORCE, lost: new Set(["sha256:1"]) });
    simulation.add(recorded("lost", { digest: "sha256:1", inputs: "i" }), request("skill"));
    simulation.add(recorded("kept", { digest: "sha256:2", inputs: "i" }), request("skill"));
    expect(simulation.report).toMatchObject({ denies: 1, policies: [{ policy: "clearance.required" }] });
  });

  it("does not guess where facts are missing or of another form", () => {
    const simulation = new Simulation({ inForce: IN_FORCE, candidate: setOf(PERMIT, NO_MODELS) });
    simulation.add(recorded("a"), undefined);
    const old = request("model");
    simulation.add(recorded("b"), { ...old, resource: { ...old.resource, attributes: { kind: "model" } } });
    expect(simulation.report).toMatchObject({
      replayed: 0,
      denies: 0,
      unreplayable: { "not-kept": 1, "other-facts": 1 },
    });
  });

  it("does not blame other policies for what is decided otherwise already", () => {
    const simulation = new Simulation({ inForce: IN_FORCE, candidate: setOf(PERMIT, CLEARED, NO_MODELS) });
    simulation.add(recorded("a", { allow: true }), request("skill", false));
    expect(simulation.report).toMatchObject({ replayed: 1, denies: 0, recordedOtherwise: 1 });
  });
});

describe("readRecordedRequest", () => {
  it("reads what was kept", () => {
    const kept = { ...request("model"), context: { client: "x" } };
    expect(readRecordedRequest(JSON.stringify(kept))).toEqual(kept);
  });

  it.each(["", "null", "[]", '{"principal":{}}', '{"principal":1,"action":"artifact:run","resource":2}'])(
    "reads nothing from %j",
    (text) => {
      expect(readRecordedRequest(text)).toBeUndefined();
    },
  );
});
