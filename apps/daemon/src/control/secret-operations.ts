// The control API's operations on secrets. None answers with a value.
import { SecretList, SecretRemoveRequest, SecretRotation, SecretSetRequest, SecretSummary } from "@pratique/contracts";
import { z } from "zod";
import type { SecretDesk } from "../secrets/secret-desk.ts";
import { get, post, type Operation } from "./operation.ts";

export function secretOperations(secrets: SecretDesk): Operation[] {
  return [
    get("/secrets", "List secrets, and where their keys lie", SecretList, ({ principal }) => secrets.list(principal)),
    post("/secrets", "Set a secret; its value is never shown again", SecretSetRequest, SecretSummary, (request) =>
      secrets.set(request.principal, request.body),
    ),
    post("/secrets/remove", "Remove a secret", SecretRemoveRequest, SecretSummary, ({ principal, body }) =>
      secrets.remove(principal, body),
    ),
    post(
      "/secrets/rotate",
      "Make a new key-encryption key and put every secret under it",
      z.strictObject({}),
      SecretRotation,
      ({ principal }) => secrets.rotate(principal),
    ),
  ];
}
