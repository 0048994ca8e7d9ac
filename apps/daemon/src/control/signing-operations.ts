// The control API's operations on signatures and the keys that make them.
import {
  DirectorySignRequest,
  DirectorySignResult,
  DirectoryVerifyRequest,
  DirectoryVerifyResult,
  KeyCreateRequest,
  KeyImportRequest,
  SigningKeyEntry,
  SigningKeyList,
  SignRequest,
  SignResult,
  VerifyRequest,
  VerifyResult,
} from "@pratique/contracts";
import type { ModelDirectories } from "../signing/model-directories.ts";
import type { SigningDesk } from "../signing/signing-desk.ts";
import type { VerifyDesk } from "../signing/verify-desk.ts";
import { get, post, type Operation } from "./operation.ts";

export interface SigningDesks {
  readonly signing: SigningDesk;
  readonly verifying: VerifyDesk;
  readonly modelDirectories: ModelDirectories;
}

export function signingOperations(desks: SigningDesks): Operation[] {
  return [
    post("/artifacts/sign", "Sign an artifact", SignRequest, SignResult, ({ principal, body }) =>
      desks.signing.sign(principal, body),
    ),
    post(
      "/artifacts/verify",
      "Verify who signed what about an artifact",
      VerifyRequest,
      VerifyResult,
      ({ principal, body }) => desks.verifying.verify(principal, body),
    ),
    post(
      "/models/directory/sign",
      "Sign the files of a model in a directory",
      DirectorySignRequest,
      DirectorySignResult,
      ({ principal, body, signal }) => desks.modelDirectories.sign(principal, body, signal),
    ),
    post(
      "/models/directory/verify",
      "Verify the files of a model in a directory",
      DirectoryVerifyRequest,
      DirectoryVerifyResult,
      ({ principal, body, signal }) => desks.modelDirectories.verify(principal, body, signal),
    ),
    get("/signing/keys", "List the keys that sign", SigningKeyList, async ({ principal }) => ({
      keys: await desks.signing.keys(principal),
    })),
    post("/signing/keys/create", "Make a key that signs", KeyCreateRequest, SigningKeyEntry, ({ principal, body }) =>
      desks.signing.createKey(principal, body),
    ),
    post(
      "/signing/keys/import",
      "Take over a key that signs",
      KeyImportRequest,
      SigningKeyEntry,
      ({ principal, body }) => desks.signing.importKey(principal, body),
    ),
  ];
}
