// Operations of the embedded Sigstore, and of signing without a key.
import { KeylessSignRequest, KeylessSignResult, SigstoreStatus, SigstoreTrust } from "@pratique/contracts";
import type { SigstoreDesk } from "../sigstore/sigstore-desk.ts";
import { get, post, type Operation } from "./operation.ts";

export function sigstoreOperations(desk: SigstoreDesk): Operation[] {
  return [
    get(
      "/sigstore",
      "The embedded Sigstore, and whose signatures without a key are trusted",
      SigstoreStatus,
      ({ principal }) => desk.status(principal),
    ),
    get("/sigstore/trust", "Trusted root and signing config of the embedded Sigstore", SigstoreTrust, ({ principal }) =>
      desk.trust(principal),
    ),
    post(
      "/artifacts/sign-keyless",
      "Sign an artifact for the identity in an OIDC token",
      KeylessSignRequest,
      KeylessSignResult,
      ({ principal, body, signal }) => desk.sign(principal, body, signal),
    ),
  ];
}
