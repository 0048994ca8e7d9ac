// SLSA provenance: v1 is written, v1 and v0.2 are read (slsa.dev/spec/v1.2/build-provenance).
import type { JsonObject } from "@pratique/core";
import { z } from "zod";
import { PROVENANCE_PREDICATE, PROVENANCE_V02_PREDICATE } from "./predicates.ts";

export interface Material {
  readonly uri: string;
  /** Hex digests by algorithm. */
  readonly digest: Readonly<Record<string, string>>;
  readonly name?: string;
}

export interface ProvenanceParts {
  /** Names the build platform, a URI. */
  readonly builder: string;
  /** Names how the external parameters are to be read, a URI. */
  readonly buildType: string;
  /** All that the caller could choose. */
  readonly externalParameters: JsonObject;
  readonly materials: readonly Material[];
  /** RFC 3339 when text. */
  readonly startedOn: Date | string;
  readonly finishedOn: Date | string;
  readonly invocationId: string;
}

/** The predicate of a SLSA v1 provenance attestation. */
export function provenanceOf(parts: ProvenanceParts): JsonObject {
  return {
    buildDefinition: {
      buildType: parts.buildType,
      externalParameters: parts.externalParameters,
      internalParameters: {},
      resolvedDependencies: parts.materials.map(({ uri, digest, name }) => ({
        uri,
        digest: { ...digest },
        ...(name === undefined ? {} : { name }),
      })),
    },
    runDetails: {
      builder: { id: parts.builder },
      metadata: {
        invocationId: parts.invocationId,
        startedOn: new Date(parts.startedOn).toISOString(),
        finishedOn: new Date(parts.finishedOn).toISOString(),
      },
    },
  };
}

const Dependency = z.looseObject({ uri: z.string().optional(), name: z.string().optional() });

const V1 = z.looseObject({
  buildDefinition: z.looseObject({
    buildType: z.string(),
    resolvedDependencies: z.array(Dependency).optional(),
  }),
  runDetails: z.looseObject({ builder: z.looseObject({ id: z.string() }) }),
});

const V02 = z.looseObject({
  builder: z.looseObject({ id: z.string() }),
  buildType: z.string(),
  materials: z.array(Dependency).optional(),
});

export interface ProvenanceFacts {
  readonly builder: string;
  readonly buildType: string;
  /** The URI of the source, where one dependency is evidently that. */
  readonly source?: string | undefined;
}

/** What a provenance predicate says; undefined when it is none that can be read. */
export function readProvenance(predicateType: string, predicate: JsonObject): ProvenanceFacts | undefined {
  if (predicateType === PROVENANCE_PREDICATE) {
    const read = V1.safeParse(predicate).data;
    if (read === undefined) return undefined;
    const { buildType, resolvedDependencies } = read.buildDefinition;
    return { builder: read.runDetails.builder.id, buildType, source: sourceOf(resolvedDependencies ?? []) };
  }
  if (predicateType === PROVENANCE_V02_PREDICATE) {
    const read = V02.safeParse(predicate).data;
    if (read === undefined) return undefined;
    return { builder: read.builder.id, buildType: read.buildType, source: sourceOf(read.materials ?? []) };
  }
  return undefined;
}

function sourceOf(dependencies: readonly z.infer<typeof Dependency>[]): string | undefined {
  return dependencies.find(({ name, uri }) => name === "source" || uri?.startsWith("git+") === true)?.uri;
}
