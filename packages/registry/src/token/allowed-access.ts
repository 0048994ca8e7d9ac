// What of a scope policy allows a principal now: a token promises no more. What is done with it is decided again then.
import type { Action, Principal } from "@pratique/contracts";
import type { Guard, GuardResource } from "@pratique/guard";
import type { Access } from "./scope.ts";

const ACTS: Readonly<Record<string, Action>> = {
  pull: "artifact:pull",
  push: "artifact:push",
  delete: "artifact:delete",
};

/** `resources` are all that the name may mean; undefined when nothing of it is allowed. */
export function allowedAccess(
  guard: Guard,
  principal: Principal,
  access: Access,
  resources: readonly GuardResource[],
): Access | undefined {
  // What the catalog shows is decided repository by repository.
  if (access.type === "registry" && access.name === "catalog") return access;
  if (access.type !== "repository") return undefined;
  const asked = access.actions.includes("*") ? Object.keys(ACTS) : access.actions;
  const actions = asked.filter((name) => {
    const action = ACTS[name];
    return action !== undefined && resources.some((resource) => guard.decide({ principal, action, resource }).allow);
  });
  return actions.length === 0 ? undefined : { ...access, actions };
}
