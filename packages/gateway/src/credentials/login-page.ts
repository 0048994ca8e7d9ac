// Who is shown the page of a login: people. An agent that had its address could log in as somebody else, for everybody.
import { isPratiqueError } from "@pratique/core";
import { credentialErrors } from "./errors.ts";

/** Throws the same error on, without the address of the login page. */
export function withoutLoginPage(error: unknown): never {
  if (!isPratiqueError(error, "gateway.authorization-needed")) throw error;
  const { details } = error;
  const server =
    typeof details === "object" && details !== null && "server" in details ? String(details.server) : "of this tool";
  throw credentialErrors("gateway.authorization-needed", { server });
}
