// Provenance as others write it: the shapes of GitHub, of the SLSA generators and of BuildKit.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { JsonObject } from "@pratique/core";
import { PROVENANCE_PREDICATE, PROVENANCE_V02_PREDICATE } from "./predicates.ts";
import { readProvenance, repositoryOf } from "./provenance-facts.ts";

const COMMIT = "c27d339ee6075c1f744c5d4b200f7901aad2c369";

/** As `actions/attest-build-provenance` writes it (github-actions-workflow build type). */
const GITHUB_V1: JsonObject = {
  buildDefinition: {
    buildType: "https://actions.github.io/buildtypes/workflow/v1",
    externalParameters: {
      workflow: {
        ref: "refs/heads/main",
        repository: "https://github.com/team/app",
        path: ".github/workflows/release.yml",
      },
    },
    internalParameters: { github: { event_name: "push", repository_id: "1", runner_environment: "github-hosted" } },
    resolvedDependencies: [{ uri: "git+https://github.com/team/app@refs/heads/main", digest: { gitCommit: COMMIT } }],
  },
  runDetails: {
    builder: { id: "https://github.com/team/app/.github/workflows/release.yml@refs/heads/main" },
    metadata: { invocationId: "https://github.com/team/app/actions/runs/1/attempts/1" },
  },
};

/** As slsa-github-generator's container generator writes it. */
const GENERATOR_V02: JsonObject = {
  builder: {
    id: "https://github.com/slsa-framework/slsa-github-generator/.github/workflows/generator_container_slsa3.yml@refs/tags/v2.1.0",
  },
  buildType: "https://github.com/slsa-framework/slsa-github-generator/container@v1",
  invocation: {
    configSource: {
      uri: "git+https://github.com/team/app@refs/tags/v1.0.0",
      digest: { sha1: COMMIT },
      entryPoint: ".github/workflows/release.yml",
    },
    parameters: {},
    environment: { github_actor: "someone" },
  },
  metadata: { buildInvocationID: "1-1", completeness: { parameters: true, environment: false, materials: false } },
  materials: [{ uri: "git+https://github.com/team/app@refs/tags/v1.0.0", digest: { sha1: COMMIT } }],
};

/** As BuildKit writes it with `mode=max`, v0.2. */
const BUILDKIT_V02: JsonObject = {
  builder: { id: "https://github.com/team/app/actions/runs/1" },
  buildType: "https://mobyproject.org/buildkit@v1",
  materials: [
    { uri: "pkg:docker/alpine@3.20?platform=linux%2Famd64", digest: { sha256: "a".repeat(64) } },
    { uri: "https://github.com/team/app.git#refs/heads/main", digest: { sha1: COMMIT } },
  ],
  invocation: {
    configSource: {
      uri: "https://github.com/team/app.git#refs/heads/main",
      digest: { sha1: COMMIT },
      entryPoint: "Dockerfile",
    },
    parameters: { frontend: "dockerfile.v0", args: { target: "release" }, locals: [{ name: "context" }] },
    environment: { platform: "linux/amd64" },
  },
  buildConfig: { llbDefinition: [] },
  metadata: { completeness: { parameters: true, materials: true }, "https://mobyproject.org/buildkit@v1#metadata": {} },
};

/** As newer BuildKit writes it, v1. */
const BUILDKIT_V1: JsonObject = {
  buildDefinition: {
    buildType: "https://github.com/moby/buildkit/blob/master/docs/attestations/slsa-definitions.md",
    externalParameters: {
      configSource: {
        uri: "https://github.com/team/app.git#refs/heads/main",
        digest: { sha1: COMMIT },
        path: "Dockerfile",
      },
      request: { frontend: "dockerfile.v0", args: { "build-arg:VERSION": "1" } },
    },
    internalParameters: { builderPlatform: "linux/amd64" },
    resolvedDependencies: [{ uri: "pkg:docker/alpine@3.20", digest: { sha256: "a".repeat(64) } }],
  },
  runDetails: { builder: { id: "" }, metadata: { invocationId: "x", buildkit_hermetic: false } },
};

const SOURCE = { repository: "https://github.com/team/app" };

describe("readProvenance", () => {
  it.each<[string, string, JsonObject, object]>([
    [
      "GitHub's workflows",
      PROVENANCE_PREDICATE,
      GITHUB_V1,
      { source: { ...SOURCE, digest: { gitCommit: COMMIT } }, dependencies: { total: 1, pinned: 1 } },
    ],
    [
      "the SLSA generators",
      PROVENANCE_V02_PREDICATE,
      GENERATOR_V02,
      {
        source: { ...SOURCE, digest: { sha1: COMMIT } },
        parameters: { entryPoint: ".github/workflows/release.yml" },
        invocation: "1-1",
      },
    ],
    [
      "BuildKit, v0.2",
      PROVENANCE_V02_PREDICATE,
      BUILDKIT_V02,
      { source: SOURCE, dependencies: { total: 2, pinned: 2 }, parameters: { entryPoint: "Dockerfile" } },
    ],
    ["BuildKit, v1", PROVENANCE_PREDICATE, BUILDKIT_V1, { source: SOURCE, builder: "" }],
  ])("reads what %s write", (_, type, predicate, facts) => {
    expect(readProvenance(type, predicate)).toMatchObject(facts);
  });

  it("takes no source from where only somebody's label says so", () => {
    const labelled = {
      ...BUILDKIT_V1,
      buildDefinition: { buildType: "b", externalParameters: { request: {} }, resolvedDependencies: [] },
      runDetails: {
        builder: { id: "x" },
        metadata: { buildkit_metadata: { vcs: { source: "https://github.com/team/app" } } },
      },
    };
    expect(readProvenance(PROVENANCE_PREDICATE, labelled)).toMatchObject({ source: undefined });
  });

  it("takes no source where two repositories are named", () => {
    const git = (name: string) => ({ uri: `git+https://github.com/${name}`, digest: { sha1: COMMIT } });
    const among = (...materials: object[]) =>
      readProvenance(PROVENANCE_V02_PREDICATE, { builder: { id: "x" }, buildType: "b", materials } as JsonObject);
    expect(among(git("team/app"), git("evil/app"))?.source).toBeUndefined();
    expect(among(git("team/app@refs/tags/v1"), git("team/app"))?.source).toMatchObject(SOURCE);
    expect(among(git("evil/app"), { name: "source", ...git("team/app") })?.source).toMatchObject(SOURCE);
    const parameters = {
      workflow: { repository: "https://github.com/team/app" },
      configSource: { uri: "https://github.com/evil/app.git#refs/heads/main" },
    };
    const asked = {
      buildDefinition: { buildType: "b", externalParameters: parameters },
      runDetails: { builder: { id: "x" } },
    };
    expect(readProvenance(PROVENANCE_PREDICATE, asked)?.source).toBeUndefined();
  });

  it("reads nothing as the version that it is not", () => {
    expect(readProvenance(PROVENANCE_PREDICATE, GENERATOR_V02)).toBeUndefined();
    expect(readProvenance(PROVENANCE_V02_PREDICATE, GITHUB_V1)).toBeUndefined();
    expect(readProvenance("https://slsa.dev/provenance/v0.1", GITHUB_V1)).toBeUndefined();
  });

  it("never throws, whatever a predicate holds", () => {
    fc.assert(
      fc.property(
        fc.dictionary(fc.string(), fc.jsonValue()),
        fc.constantFrom(GITHUB_V1, GENERATOR_V02),
        (odd, base) => {
          const predicate = { ...base, ...odd } as JsonObject;
          for (const type of [PROVENANCE_PREDICATE, PROVENANCE_V02_PREDICATE]) readProvenance(type, predicate);
        },
      ),
    );
  });
});

describe("repositoryOf", () => {
  it.each([
    ["git+https://github.com/team/app@refs/heads/main", "https://github.com/team/app"],
    ["https://github.com/team/app.git#refs/heads/main:sub", "https://github.com/team/app"],
    ["git+https://GitHub.com/team/App.git", "https://github.com/team/App"],
    ["https://user:secret@github.com/team/app/", "https://github.com/team/app"],
    ["git+ssh://git@github.com/team/app.git@v1", "ssh://github.com/team/app"],
    ["https://github.com@evil.example/team/app", "https://evil.example/team/app"],
    ["https://evil.example/@github.com/team/app", "https://evil.example"],
  ])("%s is %s", (uri, repository) => {
    expect(repositoryOf(uri)).toBe(repository);
  });
});
