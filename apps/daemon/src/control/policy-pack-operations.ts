// The control API's operations on policy packs.
import { PolicyPackRequest, PolicyPackResult, PolicyPacks } from "@pratique/contracts";
import type { PackDesk } from "../policies/pack-desk.ts";
import { get, post, type Operation } from "./operation.ts";

export function policyPackOperations(packs: PackDesk): Operation[] {
  return [
    get("/policy/packs", "List policy packs, those in force and others", PolicyPacks, ({ principal }) =>
      packs.list(principal),
    ),
    post(
      "/policy/packs/add",
      "Put a policy pack in force, or read it again",
      PolicyPackRequest,
      PolicyPackResult,
      ({ principal, body }) => packs.add(principal, body.pack),
    ),
    post(
      "/policy/packs/remove",
      "Take a policy pack out of force",
      PolicyPackRequest,
      PolicyPackResult,
      ({ principal, body }) => packs.remove(principal, body.pack),
    ),
  ];
}
