// The control API's operations on what the gateway holds back.
import {
  SecretAllowance,
  SecretAllowances,
  SecretAllowRequest,
  SecretForgetRequest,
  ServerApproval,
  ServerApprovalResult,
  ServerReviews,
} from "@pratique/contracts";
import { z } from "zod";
import type { AllowanceDesk } from "../shield/allowance-desk.ts";
import type { DriftDesk } from "../shield/drift-desk.ts";
import { get, post, type Operation } from "./operation.ts";

export interface ShieldDesks {
  readonly allowances: AllowanceDesk;
  readonly drift: DriftDesk;
}

export function shieldOperations({ allowances, drift }: ShieldDesks): Operation[] {
  return [
    get(
      "/gateway/allowances",
      "Fingerprints of what looks like a secret and is none",
      SecretAllowances,
      async ({ principal }) => ({ allowances: await allowances.list(principal) }),
    ),
    post(
      "/gateway/allowances",
      "Let something through the secret guard",
      SecretAllowRequest,
      SecretAllowance,
      ({ principal, body }) => allowances.allow(principal, body.fingerprint, body.reason),
    ),
    post(
      "/gateway/allowances/forget",
      "Let it through no longer",
      SecretForgetRequest,
      z.strictObject({}),
      async ({ principal, body }) => {
        await allowances.forget(principal, body.fingerprint);
        return {};
      },
    ),
    get(
      "/gateway/reviews",
      "What servers say of themselves, beside what was approved",
      ServerReviews,
      async ({ principal }) => ({ servers: await drift.reviews(principal) }),
    ),
    post(
      "/gateway/reviews/approve",
      "Approve what a server says of itself, as it was reviewed",
      ServerApproval,
      ServerApprovalResult,
      ({ principal, body }) => drift.approve(principal, body.server, body.digest),
    ),
  ];
}
