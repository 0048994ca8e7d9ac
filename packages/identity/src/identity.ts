// Who acts: the owner by the token in the data directory, workloads by tokens made for them.
import { randomBytes, timingSafeEqual } from "node:crypto";
import { join } from "node:path";
import type { Principal, UserPrincipal, WorkloadPrincipal } from "@pratique/contracts";
import type { Clock } from "@pratique/core";
import { ensureDirectory, removeLeftovers } from "@pratique/store";
import { loadOwnerId, loadOwnerToken, type Random } from "./owner-files.ts";
import { checkTrustDomain } from "./spiffe-id.ts";
import { KnownHeaders } from "./known-headers.ts";
import { tokenHash, tokenOf } from "./token.ts";
import { OWNER_GROUP, Workloads, type WorkloadRequest } from "./workloads.ts";

export interface Identity {
  /** The person who owns the data directory, in group `owner`. */
  readonly owner: UserPrincipal;
  readonly ownerTokenFile: string;
  ownerToken(): string;
  /** The principal whose token the request carries; undefined for none, an unknown, an expired or a revoked one. */
  authenticate(headers: { readonly authorization?: string | undefined }): Principal | undefined;
  /**
   * Names the credential that a request carries, when it is a known one: its SHA-256. Who is given that name cannot
   * act with it.
   */
  credentialOf(headers: { readonly authorization?: string | undefined }): string | undefined;
  /** The principal whose credential has that name; undefined once it is unknown, expired or revoked. */
  recall(credential: string): Principal | undefined;
  /** Makes a workload that acts for a user, and its token. @throws `identity.bad-workload`, `identity.reserved-group` */
  issueWorkload(request: WorkloadRequest): { principal: WorkloadPrincipal; token: string };
  /** Ends every workload of a run. */
  revokeRun(run: string): void;
}

/**
 * Opens the identities of a data directory; on the first start makes the owner's id and token.
 * @throws `identity.token-exposed`, `identity.token-malformed`, `identity.owner-malformed`, `identity.bad-trust-domain`
 */
export async function openIdentity(o: {
  readonly home: string;
  readonly clock: Clock;
  readonly owner: { readonly name: string };
  readonly trustDomain?: string;
  readonly random?: Random;
}): Promise<Identity> {
  const { home, clock, random = randomBytes } = o;
  const workloads = new Workloads({ trustDomain: checkTrustDomain(o.trustDomain ?? "pratique.local"), clock, random });
  await ensureDirectory(home, 0o700);
  await removeLeftovers(home);
  const id = await loadOwnerId(join(home, "owner"), clock, random);
  const ownerTokenFile = join(home, "token");
  const token = await loadOwnerToken(ownerTokenFile, random);
  const ownerHash = tokenHash(token);
  // The same object for the same person each time: others keep what they know of them by it.
  const owner: UserPrincipal = Object.freeze({ type: "User", id, name: o.owner.name, groups: [OWNER_GROUP] });
  Object.freeze(owner.groups);
  const find = (hash: Buffer): Principal | undefined =>
    timingSafeEqual(hash, ownerHash) ? owner : workloads.find(hash);
  const known = new KnownHeaders();
  return {
    owner,
    ownerTokenFile,
    ownerToken: () => token,
    authenticate({ authorization }) {
      const seen = authorization === undefined ? undefined : known.get(authorization);
      if (seen !== undefined) return find(seen);
      const presented = tokenOf(authorization);
      if (authorization === undefined || presented === undefined) return undefined;
      const hash = tokenHash(presented);
      const principal = find(hash);
      if (principal !== undefined) known.set(authorization, hash);
      return principal;
    },
    credentialOf({ authorization }) {
      const presented = tokenOf(authorization);
      const hash = presented === undefined ? undefined : tokenHash(presented);
      return hash === undefined || find(hash) === undefined ? undefined : hash.toString("base64url");
    },
    recall(credential) {
      const hash = Buffer.from(credential, "base64url");
      return hash.length === ownerHash.length ? find(hash) : undefined;
    },
    issueWorkload: (request) => workloads.issue(request),
    revokeRun: (run) => workloads.revokeRun(run),
  };
}
