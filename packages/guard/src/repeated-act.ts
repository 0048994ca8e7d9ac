// An act that happens again and again, so that what follows from it alone is worked out once: its decision under one
// policy set, and all of its record but time, duration and place in the log.
import type { Act } from "./act.ts";

/**
 * A copy that nobody can change. The same object stands for the same principal, resource and facts for ever: who makes
 * it must make another when any of them changes.
 */
export class RepeatedAct implements Act {
  declare readonly principal: Act["principal"];
  declare readonly action: Act["action"];
  declare readonly resource: Act["resource"];
  declare readonly context?: NonNullable<Act["context"]>;
  declare readonly run?: string;
  declare readonly details?: NonNullable<Act["details"]>;
  /** Whether one record may stand for several that come close together (ADR 0021). */
  readonly mayJoin: boolean;
  constructor(act: Act, options: { readonly mayJoin?: boolean } = {}) {
    this.mayJoin = options.mayJoin === true;
    const { isCurrent, ...resource } = act.resource;
    const copy = structuredClone({ ...act, resource });
    Object.assign(this, deepFrozen({ ...copy, resource: { ...copy.resource, ...(isCurrent && { isCurrent }) } }));
    Object.freeze(this);
  }
}

function deepFrozen<T>(value: T): T {
  if (typeof value !== "object" || value === null) return value;
  for (const part of Object.values(value)) deepFrozen(part);
  return Object.freeze(value);
}
