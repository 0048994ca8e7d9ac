// Decisions: who may do what to what, and why. Pure; files are read by the caller.
export { policyErrors } from "./errors.ts";
export { loadPolicySet, type PolicySet, type PolicySources, type PolicySummary } from "./policy-set.ts";
export type { Entity, PolicyRequest } from "./cedar-request.ts";
export { explainDecision } from "./explain.ts";
export { PolicyCase } from "./policy-case.schema.ts";
export { runPolicyTests, type PolicyCaseResult, type PolicyTestReport } from "./policy-tests.ts";
export { readRecordedRequest } from "./simulate/recorded-request.ts";
export { Simulation, type RecordedDecision, type SimulationReport } from "./simulate/simulation.ts";
export type { Problem } from "./problem.ts";
