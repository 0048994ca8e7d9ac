// The calls on what the gateway holds back.
import type {
  SecretAllowance,
  SecretAllowances,
  ServerApprovalResult,
  ServerReview,
  ServerReviews,
} from "@pratique/contracts";
import { call, type Endpoint } from "./transport.ts";

export interface ShieldCalls {
  /** What servers say of themselves, beside what was approved. */
  reviews(): Promise<ServerReview[]>;
  /** Approves what a server says now, when it is still what `digest` names. */
  approve(server: string, digest: string): Promise<ServerApprovalResult>;
  allowances(): Promise<SecretAllowance[]>;
  allow(fingerprint: string, reason: string): Promise<SecretAllowance>;
  forget(fingerprint: string): Promise<void>;
}

export function shieldCalls(endpoint: Endpoint): ShieldCalls {
  const get = <T>(path: string) => call<T>(endpoint, { method: "GET", path });
  const post = <T>(path: string, body: unknown) => call<T>(endpoint, { method: "POST", path, body });
  return {
    reviews: async () => (await get<ServerReviews>("/gateway/reviews")).servers,
    approve: (server, digest) => post("/gateway/reviews/approve", { server, digest }),
    allowances: async () => (await get<SecretAllowances>("/gateway/allowances")).allowances,
    allow: (fingerprint, reason) => post("/gateway/allowances", { fingerprint, reason }),
    forget: async (fingerprint) => void (await post("/gateway/allowances/forget", { fingerprint })),
  };
}
