// Who is calling, and what of the gateway he sees.
import type { Principal } from "@pratique/contracts";

export interface Caller {
  readonly principal: Principal;
  readonly profile: string | undefined;
}

/** The run that a workload belongs to, for its records. */
export function runOf({ principal }: Caller): { readonly run?: string } {
  return principal.type === "Workload" && principal.run !== undefined ? { run: principal.run } : {};
}

/** True when two requests come from the same principal over the same address. */
export function isSameCaller(a: Caller, b: Caller): boolean {
  return a.principal.type === b.principal.type && a.principal.id === b.principal.id && a.profile === b.profile;
}
