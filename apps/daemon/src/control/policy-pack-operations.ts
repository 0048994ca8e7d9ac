// The control API's operations on policy packs, and on policies that are only tried.
import {
  PolicyPackRequest,
  PolicyPackResult,
  PolicyPacks,
  SimulationRequest,
  SimulationResult,
} from "@pratique/contracts";
import type { PackDesk } from "../policies/pack-desk.ts";
import type { SimulationDesk } from "../policies/simulation-desk.ts";
import { get, post, type Operation } from "./operation.ts";

export function policyPackOperations(packs: PackDesk, simulations: SimulationDesk): Operation[] {
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
    post(
      "/policy/simulate",
      "Try policies over what is recorded and what is stored",
      SimulationRequest,
      SimulationResult,
      ({ principal, body, signal }) => simulations.simulate(principal, body, signal),
    ),
  ];
}
