// What built an artifact, from what, and how far that is believed.
import type { Principal, ProvenanceRequest, ProvenanceResult, ProvenanceStatement } from "@pratique/contracts";
import {
  fitsSource,
  fitsUri,
  provenanceVerdicts,
  verifyArtifact,
  type ProvenanceVerdict,
  type Trust,
} from "@pratique/evidence";
import { allowedOrThrow, type Guard } from "@pratique/guard";
import type { Artifacts } from "../artifacts/artifacts.ts";

export interface ProvenanceDeskOptions {
  readonly artifacts: Artifacts;
  readonly guard: Guard;
  readonly trust: Trust;
}

export class ProvenanceDesk {
  readonly #options: ProvenanceDeskOptions;

  constructor(options: ProvenanceDeskOptions) {
    this.#options = options;
  }

  async verify(principal: Principal, request: ProvenanceRequest): Promise<ProvenanceResult> {
    const { artifacts, guard, trust } = this.#options;
    const found = await artifacts.find(request.reference);
    const act = { principal, action: "artifact:pull", resource: await artifacts.resource(found) } as const;
    const { verified } = allowedOrThrow(
      await guard.perform(act, () => verifyArtifact(found.repository, found.descriptor, trust)),
    );
    const statements = provenanceVerdicts(verified, trust.builders ?? []).map((one) => shown(one, request));
    const accepted = statements.filter((one) => one.accepted);
    return {
      reference: found.reference,
      digest: found.descriptor.digest,
      verified: accepted.length > 0,
      slsaLevel: Math.max(0, ...accepted.map(({ slsaLevel }) => slsaLevel)),
      statements: statements.toSorted((a, b) => Number(b.accepted) - Number(a.accepted)),
    };
  }
}

function shown(verdict: ProvenanceVerdict, { source, builder }: ProvenanceRequest): ProvenanceStatement {
  const { facts, signer, slsaLevel, builderName, reason } = verdict;
  const unmet = [...verdict.unmet];
  if (source !== undefined && !fitsSource([source], facts.source)) {
    unmet.push(`its source is ${facts.source?.repository.slice(0, 200) ?? "not told"}`);
  }
  if (builder !== undefined && builder !== builderName && !fitsUri(builder, facts.builder.slice(0, 2000))) {
    unmet.push(`its builder is ${facts.builder.slice(0, 200)}`);
  }
  return {
    accepted: unmet.length === 0,
    builder: facts.builder,
    ...(builderName === undefined ? {} : { builderName }),
    buildType: facts.buildType,
    ...(facts.source === undefined ? {} : { source: facts.source.uri }),
    sourceDigest: { ...facts.source?.digest },
    parameters: { ...facts.parameters },
    ...(facts.invocation === undefined ? {} : { invocation: facts.invocation }),
    dependencies: { ...facts.dependencies },
    slsaLevel,
    reason,
    signer,
    unmet,
  };
}
