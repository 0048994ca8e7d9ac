// Decisions, their words, and what must hold for every set and every request.
import { isAuthorized } from "@cedar-policy/cedar-wasm/nodejs";
import { ACTIONS } from "@pratique/contracts";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { cedarRequest, type Entity, type PolicyRequest } from "./cedar-request.ts";
import { explainDecision } from "./explain.ts";
import { loadPolicySet, type PolicySet } from "./policy-set.ts";
import { runPolicyTests } from "./policy-tests.ts";

const schema = `namespace Pratique {
  entity Group;
  entity User in [Group] = { name: String, owner: Bool };
  entity Workload in [Group] = { owner: Bool };
  entity Server = { name: String };
  entity Tool in [Server] = { name: String, readOnly: Bool, isolated: Bool, size?: Long };
  entity Model = { name: String, tags?: Set<String> };
  action "tool:*";
  action "tool:list", "tool:call" in ["tool:*"] appliesTo {
    principal: [User, Workload], resource: [Tool], context: { approved?: Bool, tag?: String }
  };
  action "model:invoke" appliesTo {
    principal: [User, Workload], resource: [Model], context: { approved?: Bool, tag?: String }
  };
}`;
const load = (text: string, cacheEntries?: number): PolicySet =>
  loadPolicySet({ schema, files: { "a.cedar": text }, ...(cacheEntries === undefined ? {} : { cacheEntries }) });

const user = (owner = true, groups: readonly string[] = []): Entity => ({
  type: "User",
  id: "ann",
  attributes: { name: "Ann", owner },
  parents: groups.map((id) => ({ type: "Group", id })),
});
const tool = (name = "write_note", readOnly = false, isolated = true): Entity => ({
  type: "Tool",
  id: `harbour/${name}`,
  attributes: { name, readOnly, isolated },
  parents: [{ type: "Server", id: "harbour" }],
});
const call = (more: Partial<PolicyRequest> = {}): PolicyRequest => ({
  principal: user(),
  action: "tool:call",
  resource: tool(),
  ...more,
});

const OWNER = `@id("owner-may") @reason("Owners may.") permit (principal is Pratique::User, action, resource) when { principal.owner };`;
const NO_WRITES = `@id("no-writes") @reason("No writing.") @remedy("approve {id} or {name}")
forbid (principal, action == Pratique::Action::"tool:call", resource is Pratique::Tool)
unless { resource.readOnly } unless { context has approved && context.approved };`;

describe("a decision", () => {
  it("names the permit that allowed it", () => {
    expect(load(OWNER).decide(call())).toMatchObject({
      allow: true,
      policies: [{ id: "owner-may", effect: "permit", reason: "Owners may." }],
      reason: "policy owner-may allows tool:call of write_note",
      needsApproval: false,
    });
  });

  it("names the forbid, what helps, and that an approval would do", () => {
    expect(load(OWNER + NO_WRITES).decide(call())).toMatchObject({
      allow: false,
      policies: [{ id: "no-writes", effect: "forbid" }],
      reason: "policy no-writes forbids write_note",
      remedy: "approve harbour/write_note or write_note",
      needsApproval: true,
    });
  });

  it("needs no approval where one would not help", () => {
    expect(load(NO_WRITES).decide(call()).needsApproval).toBe(false);
    const always = `@id("never") forbid (principal, action, resource);`;
    expect(load(OWNER + NO_WRITES + always).decide(call()).needsApproval).toBe(false);
  });

  it("names several forbids in the order of the set", () => {
    const more = ["b", "a"].map((id) => `@id("${id}") forbid (principal, action, resource is Pratique::Tool);`);
    expect(load(OWNER + NO_WRITES + more.join("\n")).decide(call()).reason).toBe(
      "policy no-writes forbids write_note; so do b and a",
    );
  });

  it("says that nothing allowed it, and what came nearest", () => {
    expect(load(OWNER + NO_WRITES).decide(call({ principal: user(false), resource: tool("get", true) }))).toMatchObject(
      {
        allow: false,
        policies: [],
        reason: "no policy allows tool:call of get",
        remedy: "the nearest permits: owner-may (Owners may.)",
      },
    );
    expect(load(NO_WRITES).decide(call({ resource: tool("get", true) })).remedy).toBe(
      "no permit covers tool:call on Tool for User: add one",
    );
  });

  it("is a denial when a policy cannot be evaluated, though the engine would skip it", () => {
    const overflows = `@id("too-big") forbid (principal, action, resource is Pratique::Tool)
      when { resource has size && resource.size * 9223372036854775807 > 5 };`;
    const big: Entity = { ...tool(), attributes: { ...tool().attributes, size: 2 } };
    const decision = load(OWNER + overflows).decide(call({ resource: big }));
    expect(decision).toMatchObject({ allow: false, policies: [{ id: "too-big", effect: "forbid" }] });
    expect(decision.reason).toMatch(/^policy too-big could not be evaluated: .*overflow/);
  });

  it("takes group membership from the principal's parents", () => {
    const team = `@id("team") permit (principal in Pratique::Group::"team", action, resource);`;
    expect(load(team).decide(call({ principal: user(false, ["team"]) })).allow).toBe(true);
    expect(load(team).decide(call({ principal: user(false, ["other"]) })).allow).toBe(false);
  });

  it("takes over from its server whether a tool is isolated; not told is not isolated", () => {
    const isolated = load(
      `@id("i") permit (principal, action, resource is Pratique::Tool) when { resource.isolated };`,
    );
    const bare = (parents: readonly Entity[]): PolicyRequest =>
      call({ resource: { type: "Tool", id: "t", attributes: { name: "t", readOnly: true }, parents } });
    const server = (attributes?: Entity["attributes"]): Entity => ({
      type: "Server",
      id: "s",
      ...(attributes === undefined ? {} : { attributes }),
    });
    expect(isolated.decide(bare([])).reason).toBe("no policy allows tool:call of t");
    expect(isolated.decide(bare([server()])).reason).toBe("no policy allows tool:call of t");
  });

  it("cannot be changed by whoever gets it", () => {
    const set = load(OWNER);
    expect(() => Object.assign(set.decide(call()), { allow: false })).toThrow(TypeError);
    expect(() => set.decide(call()).policies.push({ id: "x", effect: "forbid" })).toThrow(TypeError);
  });

  it("keeps names from outside on one line", () => {
    const name = `x\nallowed: yes\u202e${"y".repeat(500)}`;
    const { reason, remedy } = load(OWNER + NO_WRITES).decide(call({ resource: { ...tool(name), id: "$(rm -rf ~)" } }));
    expect(reason).not.toMatch(/[\n\u202e]/u);
    expect(reason.length).toBeLessThan(300);
    expect(remedy).toContain("'$(rm -rf ~)'");
  });
});

describe("a request that fits neither schema nor bounds", () => {
  const set = load(`@id("all") permit (principal, action, resource);`);
  const deep = Array.from({ length: 200 }).reduce<unknown>((inner) => [inner], 1) as number[];
  it.each<[string, PolicyRequest]>([
    ["lacks an attribute", call({ principal: { type: "User", id: "x", attributes: { name: "x" } } })],
    ["has an attribute too many", call({ resource: { ...tool(), attributes: { ...tool().attributes, more: 1 } } })],
    ["has an attribute of another type", call({ principal: { ...user(), attributes: { name: 1, owner: true } } })],
    ["has a context too many", call({ context: { surprise: true } })],
    ["has a principal that is none", call({ principal: { type: "Group", id: "g" } })],
    [
      "has a resource that the action does not know",
      call({ resource: { type: "Model", id: "m", attributes: { name: "m" } } }),
    ],
    ["names an entity inside a value", call({ context: { tag: { __entity: { type: "Pratique::User", id: "ann" } } } })],
    ["is nested deep", call({ context: { tag: deep } })],
    ["has a long string", call({ context: { tag: "x".repeat(10_000) } })],
    ["has a fraction", call({ resource: { ...tool(), attributes: { ...tool().attributes, size: 1.5 } } })],
    ["has a null", call({ context: { tag: null } })],
    ["has half a character", call({ context: { tag: "\ud800" } })],
    [
      "has many entities",
      call({
        principal: user(
          true,
          Array.from({ length: 400 }, (_, at) => `g${at}`),
        ),
      }),
    ],
  ])("is denied when it %s", (_, request) => {
    const decision = set.decide(request);
    expect(decision).toMatchObject({ allow: false, policies: [] });
    expect(decision.reason).toMatch(/^policy cannot decide on this request: /);
    // The engine still answers.
    expect(set.decide(call()).allow).toBe(true);
  });

  it("is denied when one entity is told in two ways", () => {
    const parents: Entity[] = [
      { type: "Server", id: "s", attributes: { name: "one" } },
      { type: "Server", id: "s", attributes: { name: "two" } },
    ];
    expect(set.decide(call({ resource: { ...tool(), parents } })).allow).toBe(false);
  });
});

describe("an explanation", () => {
  it("names the part of each near permit that did not hold", () => {
    const team = `@id("team-reads") permit (principal in Pratique::Group::"team", action == Pratique::Action::"tool:call", resource is Pratique::Tool)
      when { context has tag && context.tag == "x" && resource.readOnly };`;
    const explain = (request: PolicyRequest): string => explainDecision(load(OWNER + team), request);
    const text = explain(call({ principal: user(false, ["team"]) }));
    expect(text).toContain("deny   tool:call of write_note (Tool) by User ann");
    expect(text).toContain("permit owner-may  a.cedar:1  does not hold: when { principal.owner }");
    expect(text).toContain("does not hold: when { context has tag }");
    expect(explain(call({ principal: user(false, ["team"]), context: { tag: "y" } }))).toContain(
      'does not hold: when { context.tag == "x" }',
    );
    expect(explain(call({ principal: user(false, ["team"]), context: { tag: "x" } }))).toContain(
      "does not hold: when { resource.readOnly }",
    );
    expect(explain(call({ principal: user(false) }))).toContain('does not hold: principal in Pratique::Group::"team"');
  });

  it("places the policy that forbids, and says what helps", () => {
    const text = explainDecision(load(`${OWNER}\n${NO_WRITES}`), call());
    expect(text).toContain("forbid no-writes  a.cedar:2  No writing.");
    expect(text).toContain("try    approve harbour/write_note");
    expect(text).toContain("approval of this act would allow it");
  });
});

describe("a table of cases", () => {
  const line = { name: "n", principal: user(), action: "tool:call", resource: tool() } as const;
  const plain = JSON.parse(JSON.stringify(line)) as Parameters<typeof runPolicyTests>[1][number];

  it("passes what is decided as expected, by the policy expected", () => {
    const report = runPolicyTests(load(OWNER + NO_WRITES), [
      { ...plain, expect: "deny", policy: "no-writes" },
      { ...plain, with: { readOnly: true }, expect: "allow", policy: "owner-may" },
    ]);
    expect(report).toMatchObject({ passed: 2, failed: 0, untested: [] });
  });

  it("fails another verdict, another policy, and a request that fits no schema", () => {
    const report = runPolicyTests(load(OWNER + NO_WRITES), [
      { ...plain, expect: "allow" },
      { ...plain, expect: "deny", policy: "none" },
      { ...plain, with: { raedOnly: true }, expect: "deny" },
    ]);
    expect(report).toMatchObject({ passed: 0, failed: 3, untested: ["owner-may"] });
    expect(report.cases[0]?.detail).toBe("expected allow, got deny: policy no-writes forbids write_note");
  });
});

// ---- properties

const condition = fc.constantFrom(
  "true",
  "principal.owner",
  "!principal.owner",
  "context has approved && context.approved",
  'context has tag && context.tag == "x"',
  "context has tag",
  'context has tag && context.tag like "*b"',
  'if context has tag then context == {tag: "ab"} else false',
  'principal in Pratique::Group::"a"',
  'principal in Pratique::Group::"b"',
);
const scope = fc.constantFrom(
  "principal, action, resource",
  "principal is Pratique::User, action, resource",
  'principal in Pratique::Group::"a", action, resource',
  'principal, action in Pratique::Action::"tool:*", resource',
  'principal, action == Pratique::Action::"tool:call", resource is Pratique::Tool',
  'principal, action, resource == Pratique::Tool::"harbour/x"',
  'principal, action, resource in Pratique::Server::"harbour"',
  'principal, action, resource is Pratique::Tool in Pratique::Server::"harbour"',
  'principal, action == Pratique::Action::"model:invoke", resource',
);
const policyTexts = fc
  .array(fc.tuple(fc.constantFrom("permit", "forbid"), scope, condition), { maxLength: 8 })
  .map((parts) => parts.map(([effect, head, body], at) => `@id("p${at}") ${effect} (${head}) when { ${body} };`));
const requests: fc.Arbitrary<PolicyRequest> = fc.record({
  principal: fc.tuple(fc.boolean(), fc.subarray(["a", "b"]), fc.boolean()).map(([owner, groups, isUser]): Entity => {
    const parents = groups.map((id): Entity => ({ type: "Group", id }));
    return isUser ? { ...user(owner), parents } : { type: "Workload", id: "w", attributes: { owner }, parents };
  }),
  action: fc.constantFrom("tool:call" as const, "tool:list" as const, "model:invoke" as const),
  resource: fc.constantFrom<Entity>(tool("x"), tool("y", true), { type: "Model", id: "m", attributes: { name: "m" } }),
  context: fc.constantFrom(
    {},
    { approved: true },
    { approved: false },
    { tag: "x" },
    { tag: "ab" },
    { tag: "" },
    { tag: 1 },
    { tag: "ab", approved: true },
  ),
});

/** The engine alone, over all policies, without slices and cache. */
function reference(texts: readonly string[], request: PolicyRequest): { allow: boolean; policies: string[] } {
  const staticPolicies = Object.fromEntries(texts.map((text, at) => [`p${at}`, text]));
  const answer = isAuthorized({
    ...cedarRequest(request),
    policies: { staticPolicies },
    schema,
    validateRequest: true,
  });
  if (answer.type === "failure") return { allow: false, policies: [] };
  const { decision, diagnostics } = answer.response;
  return { allow: decision === "allow", policies: diagnostics.reason.toSorted() };
}

/** Random sets may hold policies that can never apply, which are refused: those are left out. */
const usability = new Map<string, boolean>();
function isUsable(text: string): boolean {
  const known = usability.get(text);
  if (known !== undefined) return known;
  let usable = true;
  try {
    load(text);
  } catch {
    usable = false;
  }
  usability.set(text, usable);
  return usable;
}
const usable = (texts: readonly string[]): string[] =>
  texts
    .filter((text) => isUsable(text.replace(/p\d+/, "p")))
    .map((text, at) => text.replace(/@id\("p\d+"\)/, `@id("p${at}")`));

describe("for every set and request", () => {
  it("slices and cache decide as the engine does over all policies, twice", () => {
    fc.assert(
      fc.property(policyTexts, fc.array(requests, { minLength: 1, maxLength: 6 }), (texts, asked) => {
        const kept = usable(texts);
        const set = load(kept.join("\n"), 2);
        for (const request of [...asked, ...asked]) {
          const { allow, policies } = set.decide(request);
          expect({ allow, policies: policies.map(({ id }) => id).toSorted() }).toEqual(reference(kept, request));
        }
      }),
      { numRuns: 30 },
    );
  });

  it("a forbid that holds wins, and without a permit nothing is allowed", () => {
    fc.assert(
      fc.property(policyTexts, requests, (texts, request) => {
        const kept = usable(texts);
        const forbidden = load([...kept, `@id("no") forbid (principal, action, resource);`].join("\n"));
        expect(forbidden.decide(request).allow).toBe(false);
        const forbids = kept.filter((text) => text.includes(" forbid "));
        expect(load(forbids.join("\n")).decide(request).allow).toBe(false);
      }),
      { numRuns: 25 },
    );
  });

  it("an approval is never said to be needed unless it would allow", () => {
    fc.assert(
      fc.property(policyTexts, requests, (texts, request) => {
        const set = load(usable(texts).join("\n"));
        const { allow, needsApproval } = set.decide(request);
        const approved = set.decide({ ...request, context: { ...request.context, approved: true } });
        expect(needsApproval).toBe(!allow && request.context?.["approved"] !== true && approved.allow);
      }),
      { numRuns: 25 },
    );
  });

  it("a principal of no known type is never allowed", () => {
    const set = load(`@id("all") permit (principal, action, resource);`);
    const types = fc.constantFrom("Group" as const, "Tool" as const, "Server" as const, "System" as const);
    fc.assert(
      fc.property(types, fc.string(), fc.constantFrom(...ACTIONS), (type, id, action) => {
        expect(set.decide({ principal: { type, id }, action, resource: tool() }).allow).toBe(false);
      }),
    );
  });

  it("any JSON as facts or context is decided without a throw, and never moves the engine from its answers", () => {
    const set = load(OWNER);
    const facts = fc.object({ values: [fc.string(), fc.integer(), fc.boolean(), fc.double()], maxDepth: 4 });
    fc.assert(
      fc.property(facts, facts, (attributes, context) => {
        const hostile = JSON.parse(JSON.stringify({ attributes, context })) as Pick<PolicyRequest, "context"> & {
          attributes: Entity["attributes"] & object;
        };
        const principal: Entity = { type: "User", id: "x", attributes: { ...hostile.attributes, owner: false } };
        const request = call({ principal, context: hostile.context ?? {} });
        expect(set.decide(request).allow).toBe(false);
        expect(set.decide(call()).allow).toBe(true);
      }),
    );
  });
});
