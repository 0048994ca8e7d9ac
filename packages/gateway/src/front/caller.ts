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
  return principalKey(a) === principalKey(b) && a.profile === b.profile;
}

/** Tells principals apart. */
export function principalKey({ principal }: Caller): string {
  return `${principal.type} ${principal.id}`;
}
