// Every command, loaded when it is called.
import type { Tree } from "./kit/command.ts";

export const TREE: Tree = {
  up: async () => (await import("./commands/up.ts")).up,
  status: async () => (await import("./commands/status.ts")).status,
  voyage: async () => (await import("./commands/voyage.ts")).voyage,
  run: async () => (await import("./commands/run.ts")).run,
  why: async () => (await import("./commands/why.ts")).why,
  pack: async () => (await import("./commands/pack.ts")).pack,
  sign: async () => (await import("./commands/sign.ts")).sign,
  verify: async () => (await import("./commands/verify.ts")).verify,
  clear: async () => (await import("./commands/clear.ts")).clear,
  ls: async () => (await import("./commands/ls.ts")).ls,
  inspect: async () => (await import("./commands/inspect.ts")).inspect,
  push: async () => (await import("./commands/push.ts")).push,
  delta: async () => (await import("./commands/delta.ts")).delta,
  pull: async () => (await import("./commands/pull.ts")).pull,
  "audit tail": async () => (await import("./commands/audit-tail.ts")).auditTail,
  "audit verify": async () => (await import("./commands/audit-verify.ts")).auditVerify,
  "policy check": async () => (await import("./commands/policy-check.ts")).policyCheck,
  "policy test": async () => (await import("./commands/policy-test.ts")).policyTest,
  doctor: async () => (await import("./commands/doctor.ts")).doctor,
  token: async () => (await import("./commands/token.ts")).token,
  explain: async () => (await import("./commands/explain.ts")).explain,
};
