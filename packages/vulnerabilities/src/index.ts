// What is known to be wrong with the packages of an artifact.
export type { Opinion, OpinionSubject, SignedVex, VulnerabilityOpinion } from "./report/opinion.ts";
