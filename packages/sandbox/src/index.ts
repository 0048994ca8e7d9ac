// Sandboxes: containers of a Docker-compatible engine, and (when policy lets it) plain processes.
export { sandboxErrors } from "./errors.ts";
export type {
  Mount,
  Sandbox,
  SandboxExit,
  SandboxNetwork,
  SandboxSecrets,
  SandboxSpec,
  WritableDirectory,
} from "./sandbox.ts";
export { engineCandidates, type CandidateOptions, type EngineCandidate } from "./container/engine-candidates.ts";
export type { Confinement } from "./container/confinement.ts";
export {
  probeContainerEngine,
  type EngineProbe,
  type NoEngine,
  type ProbeOptions,
  type UsableEngine,
} from "./container/probe-engine.ts";
export {
  openContainerDriver,
  type ContainerDriver,
  type DriverOptions,
  type RunningSandbox,
} from "./container/container-driver.ts";
export { AllowList, parseHostPort, type HostPort } from "./egress/allow-list.ts";
export { EgressGate, type EgressOptions } from "./egress/egress-gate.ts";
export { checkMount, type MountRules } from "./mounts/check-mount.ts";
export { publishPort, type PublishedPort } from "./publish-port.ts";
export { startProcess, type ProcessSpec } from "./process/start-process.ts";
export { runCommand, type CommandOptions, type CommandResult } from "./process/run-command.ts";
