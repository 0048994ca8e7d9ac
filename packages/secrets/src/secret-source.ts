// Where secrets are asked for, and under which names.
import type { Principal } from "@pratique/contracts";
import { secretErrors } from "./errors.ts";
import type { Secret } from "./secret.ts";

export interface SecretSource {
  /**
   * Without a principal the shared secret; with one that user's own, or his for whom a workload acts. The one is never
   * given for the other. Undefined: there is none.
   */
  get(name: string, principal: Principal | undefined): Promise<Secret | undefined>;
}

const NAME = /^[A-Za-z0-9][A-Za-z0-9._/-]{0,199}$/;

/** Names go into paths of other stores: no part of one is relative or empty. @throws `secret.bad-name` */
export function checkSecretName(name: string): string {
  const parts = name.split("/");
  if (!NAME.test(name) || parts.some((part) => part === "" || part === "." || part === "..")) {
    throw secretErrors("secret.bad-name", { name: name.slice(0, 100) });
  }
  return name;
}

/** Whose secrets a principal uses: his own, or of whom he acts for. Empty: the shared ones. */
export function ownerOf(principal: Principal | undefined): string {
  if (principal === undefined) return "";
  return principal.type === "User" ? principal.id : principal.actingFor.id;
}
