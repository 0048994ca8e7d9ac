// SLSA provenance as we write it: v1 (slsa.dev/spec/v1.2/build-provenance).
import type { JsonObject } from "@pratique/core";

export interface Material {
  readonly uri: string;
  /** Hex digests by algorithm. */
  readonly digest: Readonly<Record<string, string>>;
  readonly name?: string;
}

export interface ProvenanceParts {
  /** Names the build platform, a URI. */
  readonly builder: string;
  /** Versions of what the platform builds with, by name: what reproducing it needs. */
  readonly builderVersion?: Readonly<Record<string, string>>;
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
      builder: {
        id: parts.builder,
        ...(parts.builderVersion === undefined ? {} : { version: { ...parts.builderVersion } }),
      },
      metadata: {
        invocationId: parts.invocationId,
        startedOn: new Date(parts.startedOn).toISOString(),
        finishedOn: new Date(parts.finishedOn).toISOString(),
      },
    },
  };
}
