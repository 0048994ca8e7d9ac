// What provenance says, whoever wrote it: SLSA v1 and v0.2, of GitHub's workflows, of the SLSA generators, of BuildKit.
import { isJsonObject, type JsonObject } from "@pratique/core";
import { z } from "zod";
import { PROVENANCE_PREDICATE, PROVENANCE_V02_PREDICATE } from "./predicates.ts";

export interface ProvenanceSource {
  /** Without what only says how it is fetched: `https://github.com/team/app`. */
  readonly repository: string;
  /** As it stands: `git+https://github.com/team/app@refs/heads/main`. */
  readonly uri: string;
  /** Digests by algorithm, `gitCommit` or `sha1` among them; empty where none is told. */
  readonly digest: Readonly<Record<string, string>>;
}

export interface ProvenanceFacts {
  /** `builder.id`, a URI. */
  readonly builder: string;
  readonly buildType: string;
  readonly source?: ProvenanceSource | undefined;
  /** All that whoever asked for the build could choose. */
  readonly parameters: Readonly<NonNullable<z.infer<typeof Parameters>>>;
  readonly invocation?: string | undefined;
  /** Things that went in, and how many of them are named by digest. */
  readonly dependencies: { readonly total: number; readonly pinned: number };
}

const MAX_DEPENDENCIES = 100_000;

const Digests = z.record(z.string(), z.string());
const Dependency = z.looseObject({
  uri: z.string().max(8192).optional(),
  name: z.string().max(8192).optional(),
  digest: Digests.optional(),
});
type Dependency = z.infer<typeof Dependency>;
const Dependencies = z.array(Dependency).max(MAX_DEPENDENCIES).nullish();
const Parameters = z.record(z.string(), z.json()).nullish();

const V1 = z.looseObject({
  buildDefinition: z.looseObject({
    buildType: z.string().min(1),
    externalParameters: Parameters,
    resolvedDependencies: Dependencies,
  }),
  runDetails: z.looseObject({
    builder: z.looseObject({ id: z.string() }),
    metadata: z.looseObject({ invocationId: z.string().optional() }).nullish(),
  }),
});

const ConfigSource = z.looseObject({
  uri: z.string().max(8192).optional(),
  digest: Digests.optional(),
  entryPoint: z.string().optional(),
});

const V02 = z.looseObject({
  builder: z.looseObject({ id: z.string() }),
  buildType: z.string().min(1),
  invocation: z.looseObject({ configSource: ConfigSource.nullish(), parameters: Parameters }).nullish(),
  metadata: z
    .looseObject({ buildInvocationId: z.string().optional(), buildInvocationID: z.string().optional() })
    .nullish(),
  materials: Dependencies,
});

/** What a provenance predicate says; undefined when it is none that can be read. */
export function readProvenance(predicateType: string, predicate: JsonObject): ProvenanceFacts | undefined {
  if (predicateType === PROVENANCE_PREDICATE) return readV1(predicate);
  return predicateType === PROVENANCE_V02_PREDICATE ? readV02(predicate) : undefined;
}

function readV1(predicate: JsonObject): ProvenanceFacts | undefined {
  const read = V1.safeParse(predicate).data;
  if (read === undefined) return undefined;
  const { buildType, externalParameters, resolvedDependencies } = read.buildDefinition;
  const parameters = externalParameters ?? {};
  const dependencies = resolvedDependencies ?? [];
  return {
    builder: read.runDetails.builder.id,
    buildType,
    source: sourceOf(
      [sourceOfWorkflow(parameters, dependencies), sourceOfConfig(parameters["configSource"])],
      dependencies,
    ),
    parameters,
    invocation: read.runDetails.metadata?.invocationId,
    dependencies: countOf(dependencies),
  };
}

function readV02(predicate: JsonObject): ProvenanceFacts | undefined {
  const read = V02.safeParse(predicate).data;
  if (read === undefined) return undefined;
  const materials = read.materials ?? [];
  const { configSource, parameters } = read.invocation ?? {};
  const entryPoint = configSource?.entryPoint;
  return {
    builder: read.builder.id,
    buildType: read.buildType,
    source: sourceOf([sourceOfConfig(configSource)], materials),
    // The entry point is chosen by whoever asks, as much as what the format calls parameters.
    parameters: { ...parameters, ...(entryPoint === undefined ? {} : { entryPoint }) },
    invocation: read.metadata?.buildInvocationId ?? read.metadata?.buildInvocationID,
    dependencies: countOf(materials),
  };
}

/** Where two repositories are named, either may be what somebody only asked for: then none is believed. */
function sourceOf(
  named: readonly (ProvenanceSource | undefined)[],
  dependencies: readonly Dependency[],
): ProvenanceSource | undefined {
  const told = named.filter((one) => one !== undefined);
  const candidates = told.length === 0 ? sourcesAmong(dependencies) : told;
  return new Set(candidates.map(({ repository }) => repository)).size === 1 ? candidates[0] : undefined;
}

/** GitHub: `externalParameters.workflow` names the repository, and the dependency that is it has the commit. */
function sourceOfWorkflow(parameters: JsonObject, dependencies: readonly Dependency[]): ProvenanceSource | undefined {
  const { workflow } = parameters;
  if (!isJsonObject(workflow)) return undefined;
  const { repository, ref } = workflow;
  if (typeof repository !== "string" || repository === "") return undefined;
  const name = repositoryOf(repository);
  const same = dependencies.find(({ uri }) => uri !== undefined && repositoryOf(uri) === name);
  const uri = same?.uri ?? `git+${repository}${typeof ref === "string" ? `@${ref}` : ""}`;
  return { repository: name, uri, digest: same?.digest ?? {} };
}

/** BuildKit and the generators: `configSource`. */
function sourceOfConfig(configSource: unknown): ProvenanceSource | undefined {
  const read = ConfigSource.safeParse(configSource).data;
  if (read?.uri === undefined || read.uri === "") return undefined;
  return { repository: repositoryOf(read.uri), uri: read.uri, digest: read.digest ?? {} };
}

/** What may be the source among what went in: what is called so, otherwise all that is of Git. */
function sourcesAmong(dependencies: readonly Dependency[]): ProvenanceSource[] {
  const called = dependencies.filter(({ name }) => name === "source");
  const candidates = called.length > 0 ? called : dependencies.filter(({ uri }) => uri?.startsWith("git+"));
  return candidates.flatMap(({ uri, digest = {} }) =>
    uri === undefined ? [] : [{ repository: repositoryOf(uri), uri, digest }],
  );
}

function countOf(dependencies: readonly Dependency[]): ProvenanceFacts["dependencies"] {
  const pinned = dependencies.filter(({ digest }) => digest !== undefined && Object.keys(digest).length > 0);
  return { total: dependencies.length, pinned: pinned.length };
}

/** `git+https://github.com/team/app.git@refs/tags/v1` → `https://github.com/team/app`. */
export function repositoryOf(uri: string): string {
  const plain = uri.replace(/^git\+/, "").replace(/[#?].*$/s, "");
  const authority = /^[a-z][a-z0-9+.-]*:\/\/[^/]*/i.exec(plain)?.[0] ?? "";
  // A user before the host is no part of what is fetched, and an `@` after it begins a revision.
  const host = authority.replace(/\/\/[^/@]*@/, "//").toLowerCase();
  const path = plain.slice(authority.length).replace(/@.*$/s, "");
  return `${host}${path}`.replace(/\/+$/, "").replace(/\.git$/, "");
}
