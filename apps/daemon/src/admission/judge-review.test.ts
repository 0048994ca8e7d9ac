// Reviews judged: the real policies and the real guard, over images whose evidence the test says.
import {
  AdmissionReview,
  NOT_CHECKED,
  type AdmissionResponse,
  type Evidence,
  type RecordBody,
  type UserPrincipal,
} from "@pratique/contracts";
import { digestOf, manualClock, silentLog, type Digest } from "@pratique/core";
import { artifactResource } from "@pratique/evidence";
import { createGuard } from "@pratique/guard";
import { beforeEach, describe, expect, it } from "vitest";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { readPolicySet } from "../policy-files.ts";
import { readPack } from "../policies/policy-pack.ts";
import { timeLimitMs } from "./admission-api.ts";
import { imageReference, type ImageLookup, type LookedUp } from "./image-lookup.ts";
import { ImageJudge } from "./judge-image.ts";
import { ReviewJudge, type ReviewQuestion } from "./judge-review.ts";
import { container, podOf, requestOf, UID } from "./review.fixture.ts";

const POLICIES = join(import.meta.dirname, "..", "..", "..", "..", "policies");
const owner: UserPrincipal = { type: "User", id: "user-1", name: "ada", groups: ["owner"] };
const clock = manualClock("2026-11-01T00:00:00Z");
const GOOD = digestOf("good");
const policies = await readPolicySet(POLICIES, [
  await readPack(join(POLICIES, "packs", "registry-access"), "registry-access"),
]);

let records: RecordBody[];
let asked: string[];
beforeEach(() => {
  records = [];
  asked = [];
});

/** An artifact that is signed, proven and cleared, but for what is changed. */
function artifact(image: string, digest: Digest, isCleared = true): LookedUp {
  const { registry, repository } = imageReference(image);
  const signer = { id: "key", name: "owner" };
  const clearance = { result: "PASSED" as const, policyDigest: policies.digest, time: "2026-11-01T00:00:00Z", signer };
  const evidence: Evidence = {
    repository,
    digest,
    kind: "image",
    imageType: "organization",
    signers: [signer],
    provenance: { builder: "https://pratique.dev/daemon@1", buildType: "b", slsaLevel: 1, signer },
    sbom: { format: "CycloneDX", components: 1, signer },
    licences: [],
    vulnerabilities: NOT_CHECKED,
    clearances: isCleared ? [clearance] : [],
    rejected: [],
  };
  const resource = artifactResource(evidence, {
    reference: `${registry}/${repository}@${digest}`,
    policyDigest: policies.digest,
    now: clock.now(),
    registry,
  });
  return { digest, resource };
}

const lookup: Pick<ImageLookup, "of"> = {
  async of(_principal, image, signal) {
    asked.push(image);
    if (image.includes("slow")) {
      await new Promise((_resolve, reject) =>
        signal.addEventListener("abort", () => reject(signal.reason), { once: true }),
      );
    }
    if (image.includes("missing")) throw new Error("no such image");
    return artifact(image, GOOD, !image.includes("uncleared"));
  },
};

function judgeWith(config: { pin?: boolean; exemptNamespaces?: string[] } = {}): ReviewJudge {
  const audit = {
    append: async (body: RecordBody) => {
      records.push(body);
      return { ...body, version: 1 as const, id: `record-${records.length}`, sequence: records.length, time: "" };
    },
  };
  const guard = createGuard({ policy: () => policies, audit, clock, log: silentLog });
  return new ReviewJudge(
    new ImageJudge(guard, lookup),
    { pin: true, exemptNamespaces: ["kube-system"], ...config },
    silentLog,
  );
}

function answer(question: Partial<ReviewQuestion> & Pick<ReviewQuestion, "request">, judge = judgeWith()) {
  return judge.answer({ principal: owner, form: "review", signal: AbortSignal.timeout(20_000), ...question });
}
const pod = (...images: string[]): object =>
  podOf({ containers: images.map((image, at) => container(`c${at}`, image)) });
const patchOf = ({ patch = "" }: AdmissionResponse): unknown =>
  JSON.parse(Buffer.from(patch, "base64").toString() || "[]");

describe("a review", () => {
  it("allows what is cleared, and pins it by the digest that was judged", async () => {
    const response = await answer({
      request: requestOf({ object: pod("ghcr.io/team/app:1", `ghcr.io/team/app@${GOOD}`) }),
    });
    expect(response).toMatchObject({ uid: UID, allowed: true, patchType: "JSONPatch" });
    expect(patchOf(response)).toEqual([
      { op: "test", path: "/spec/containers/0/image", value: "ghcr.io/team/app:1" },
      { op: "replace", path: "/spec/containers/0/image", value: `ghcr.io/team/app:1@${GOOD}` },
    ]);
    expect(response.auditAnnotations).toMatchObject({ decisions: "allow\nallow", records: "record-1\nrecord-2" });
    expect(records.map(({ action, outcome }) => [action, outcome])).toEqual([
      ["artifact:run", "done"],
      ["artifact:run", "done"],
    ]);
    expect(records[0]?.details).toMatchObject({ kubernetes: { namespace: "shop", name: "web", kind: "Pod" } });
  });

  it("denies a pod when one of its images is not cleared, and says which policy forbids it", async () => {
    const object = podOf({
      containers: [container("web", "ghcr.io/team/app:1")],
      initContainers: [container("setup", "ghcr.io/team/uncleared:1")],
    });
    const response = await answer({ request: requestOf({ object }) });
    expect(response).toMatchObject({ uid: UID, allowed: false, status: { code: 403, reason: "Forbidden" } });
    expect(response.status?.message).toContain(
      "initContainers setup: ghcr.io/team/uncleared:1: policy clearance.required",
    );
    expect(response.patch).toBeUndefined();
    expect(
      records.some(({ outcome, policies: [first] }) => outcome === "denied" && first?.id === "clearance.required"),
    ).toBe(true);
  });

  it("asks a registry that is not listed for nothing", async () => {
    const response = await answer({ request: requestOf({ object: pod("quay.io/team/app:1") }) });
    expect(response.status?.message).toContain("registry-access.listed");
    expect(asked).toEqual([]);
    expect(records).toMatchObject([{ action: "artifact:pull", outcome: "denied" }]);
  });

  it.each(["ephemeralContainers", "initContainers"])("judges %s as containers", async (list) => {
    const object = podOf({ containers: [], [list]: [container("x", "ghcr.io/team/uncleared:1")] });
    expect(await answer({ request: requestOf({ object }) })).toMatchObject({ allowed: false });
  });

  it("judges image volumes, and pins them where their reference stands", async () => {
    const object = podOf({ containers: [], volumes: [{ name: "m", image: { reference: "ghcr.io/team/model:1" } }] });
    expect(patchOf(await answer({ request: requestOf({ object }) }))).toContainEqual(
      expect.objectContaining({ op: "replace", path: "/spec/volumes/0/image/reference" }),
    );
  });

  it("judges templates, and leaves them as they are written", async () => {
    const kind = { group: "apps", version: "v1", kind: "Deployment" };
    const deployment = (image: string): object => ({
      spec: { template: { spec: { containers: [container("web", image)] } } },
    });
    const good = await answer({ request: requestOf({ kind, object: deployment("ghcr.io/team/app:1") }) });
    expect(good).toMatchObject({ allowed: true });
    expect(good.patch).toBeUndefined();
    const bad = await answer({ request: requestOf({ kind, object: deployment("ghcr.io/team/uncleared:1") }) });
    expect(bad.allowed).toBe(false);
  });

  it("judges only what an update brings, so that what runs can still be labelled and deleted", async () => {
    const oldObject = pod("ghcr.io/team/uncleared:1");
    const kept = await answer({ request: requestOf({ operation: "UPDATE", oldObject, object: oldObject }) });
    expect(kept).toMatchObject({ allowed: true });
    expect(records).toEqual([]);
    const object = pod("ghcr.io/team/uncleared:1", "ghcr.io/team/uncleared:2");
    const brought = await answer({ request: requestOf({ operation: "UPDATE", oldObject, object }) });
    expect(brought.status?.message).toContain("uncleared:2");
    expect(brought.status?.message).not.toContain("uncleared:1:");
    expect(await answer({ request: requestOf({ operation: "DELETE", oldObject }) })).toMatchObject({ allowed: true });
  });

  it("judges a container that an update adds, though another already has its image", async () => {
    const image = "ghcr.io/team/uncleared:1";
    const containers = [container("web", image)];
    const oldObject = podOf({ containers });
    const object = podOf({ containers, ephemeralContainers: [container("debugger", image)] });
    const subResource = "ephemeralcontainers";
    const answered = await answer({ request: requestOf({ operation: "UPDATE", subResource, oldObject, object }) });
    expect(answered.status?.message).toContain("ephemeralContainers debugger");
    expect(answered.status?.message).not.toContain("containers web:");
  });

  it("records nothing of a dry run, and decides the same", async () => {
    const request = (image: string) => requestOf({ object: pod(image), dryRun: true });
    expect(await answer({ request: request("ghcr.io/team/app:1") })).toMatchObject({ allowed: true });
    expect(await answer({ request: request("ghcr.io/team/uncleared:1") })).toMatchObject({ allowed: false });
    expect(await answer({ request: request("quay.io/team/app:1") })).toMatchObject({ allowed: false });
    expect(await answer({ request: request("ghcr.io/team/missing:1") })).toMatchObject({ allowed: false });
    expect(records).toEqual([]);
  });

  it("lets an exempt namespace be, says so, and is not taken in by what the pod says of its namespace", async () => {
    const object = pod("ghcr.io/team/uncleared:1");
    const exempt = await answer({ request: requestOf({ namespace: "kube-system", object }) });
    expect(exempt).toMatchObject({ allowed: true, auditAnnotations: { exempt: "kube-system" } });
    expect(exempt.warnings).toHaveLength(1);
    const claimed = { ...object, metadata: { name: "web", namespace: "kube-system" } };
    expect(await answer({ request: requestOf({ object: claimed }) })).toMatchObject({ allowed: false });
  });

  it("denies in time when an image cannot be looked up in time", async () => {
    const signal = AbortSignal.timeout(50);
    const response = await answer({ request: requestOf({ object: pod("ghcr.io/team/slow:1") }), signal });
    expect(response).toMatchObject({ uid: UID, allowed: false, status: { code: 504 } });
  });

  it.each([
    ["cannot be looked up", "ghcr.io/team/missing:1"],
    ["is no reference", "ghcr.io/Team/App:1"],
    ["leads elsewhere", "../../etc/passwd"],
    ["is very long", `ghcr.io/${"a".repeat(1000)}:1`],
  ])("denies an image that %s", async (_, image) => {
    const response = await answer({ request: requestOf({ object: pod(image) }) });
    expect(response).toMatchObject({ allowed: false, status: { code: 403 } });
    expect(records.every(({ outcome }) => outcome !== "done")).toBe(true);
  });

  it("denies what it cannot read", async () => {
    const kind = { group: "evil.example", version: "v1", kind: "Pod" };
    for (const request of [
      requestOf({ kind, object: pod("x") }),
      requestOf({ object: null }),
      requestOf({ object: {} }),
    ]) {
      expect(await answer({ request })).toMatchObject({ allowed: false, status: { code: 400 } });
    }
  });

  it("denies everybody who may not run anything", async () => {
    const principal: UserPrincipal = { type: "User", id: "user-2", name: "guest", groups: [] };
    const response = await answer({ request: requestOf({ object: pod("ghcr.io/team/app:1") }), principal });
    expect(response.allowed).toBe(false);
  });
});

describe("a validation", () => {
  it("changes nothing, and denies a pod that nobody pinned", async () => {
    const request = (image: string) => requestOf({ object: pod(image) });
    const unpinned = await answer({ request: request("ghcr.io/team/app:1"), form: "validate" });
    expect(unpinned).toMatchObject({ allowed: false });
    expect(unpinned.patch).toBeUndefined();
    expect(await answer({ request: request(`ghcr.io/team/app:1@${GOOD}`), form: "validate" })).toMatchObject({
      allowed: true,
    });
  });

  it("warns of what is not pinned where pinning is off", async () => {
    const judge = judgeWith({ pin: false });
    const response = await answer(
      { request: requestOf({ object: pod("ghcr.io/team/app:1") }), form: "validate" },
      judge,
    );
    expect(response).toMatchObject({ allowed: true, warnings: [expect.stringContaining("is not pinned")] });
  });
});

it("reads image names as container runtimes do", () => {
  const hub = { registry: "docker.io", repository: "library/nginx", tag: "latest" };
  for (const image of ["nginx", "docker.io/nginx", "index.docker.io/library/nginx:latest"]) {
    expect(imageReference(image)).toEqual(hub);
  }
  expect(imageReference("localhost:5000/a:1")).toMatchObject({ registry: "localhost:5000", repository: "a" });
});

it("keeps within the time limit that the API server names, and its own", () => {
  expect(timeLimitMs("10s", 8000)).toBe(8000);
  expect(timeLimitMs("5s", 8000)).toBe(4500);
  expect(timeLimitMs("1m0s", 8000)).toBe(8000);
  expect(timeLimitMs("1s", 8000)).toBe(500);
  for (const odd of [null, "", "s", "never", "-5s", "999999999999s"]) expect(timeLimitMs(odd, 8000)).toBe(8000);
});

describe("what k8s.io/apiserver 0.35 sends", async () => {
  const text = await readFile(join(import.meta.dirname, "api-server-reviews.jsonl"), "utf8");
  const reviews = text.split("\n").filter((line) => line !== "");
  const expected = [
    ["a pod whose images are cleared", "review", true],
    ["the same as a dry run", "review", true],
    ["the same to the validating webhook, unpinned", "validate", false],
    ["a pod with one that is not", "review", false],
    ["the same to the validating webhook", "validate", false],
    ["an ephemeral container that is not cleared", "review", false],
    ["an update without new images", "validate", true],
    ["a deployment", "validate", true],
    ["a deletion", "validate", true],
  ] as const;

  it.each(expected.map(([name, form, allowed], at) => [name, form, allowed, reviews[at] ?? ""] as const))(
    "is read and judged: %s",
    async (_, form, allowed, line) => {
      const { request } = AdmissionReview.parse(JSON.parse(line));
      expect((await answer({ request, form })).allowed).toBe(allowed);
    },
  );
});
