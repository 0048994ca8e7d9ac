// Workloads and their tokens. In memory alone: a workload does not outlive the daemon that started it.
import { UserPrincipal, WorkloadPrincipal } from "@pratique/contracts";
import type { Clock } from "@pratique/core";
import { identityErrors } from "./errors.ts";
import type { Random } from "./owner-files.ts";
import { spiffeId } from "./spiffe-id.ts";
import { formatToken, TOKEN_BYTES, tokenHash, WORKLOAD_PREFIX } from "./token.ts";

/** The group that makes a user the owner. No provider of groups, and no workload, may claim it. */
export const OWNER_GROUP = "owner";

export interface WorkloadRequest {
  /** Path of the SPIFFE ID, e.g. `run/0197…/agent/root`. */
  readonly path: string;
  readonly actingFor: UserPrincipal;
  readonly run?: string | undefined;
  /** Digest of what it was made from. */
  readonly artifact?: string | undefined;
  readonly groups?: readonly string[] | undefined;
  readonly ttlMs: number;
}

interface Issued {
  readonly principal: WorkloadPrincipal;
  readonly expiresAt: number;
}

export class Workloads {
  readonly #issued = new Map<string, Issued>();
  readonly #trustDomain: string;
  readonly #clock: Clock;
  readonly #random: Random;

  constructor(o: { readonly trustDomain: string; readonly clock: Clock; readonly random: Random }) {
    this.#trustDomain = o.trustDomain;
    this.#clock = o.clock;
    this.#random = o.random;
  }

  /** @throws `identity.bad-workload`, `identity.reserved-group` */
  issue(request: WorkloadRequest): { principal: WorkloadPrincipal; token: string } {
    const { path, actingFor, run, artifact, groups = [], ttlMs } = request;
    if (groups.includes(OWNER_GROUP)) throw identityErrors("identity.reserved-group", { group: OWNER_GROUP });
    if (!(Number.isSafeInteger(ttlMs) && ttlMs > 0)) {
      throw identityErrors("identity.bad-workload", { path, reason: "it would never live" });
    }
    const principal = WorkloadPrincipal.parse({
      type: "Workload",
      id: spiffeId(this.#trustDomain, path),
      groups: [...groups],
      actingFor: UserPrincipal.parse(actingFor),
      ...(run === undefined ? {} : { run }),
      ...(artifact === undefined ? {} : { artifact }),
    });
    Object.freeze(principal.groups);
    Object.freeze(principal);
    const token = formatToken(WORKLOAD_PREFIX, this.#random(TOKEN_BYTES));
    const now = this.#clock.now().getTime();
    this.#forget((issued) => issued.expiresAt <= now);
    this.#issued.set(tokenHash(token).toString("hex"), { principal, expiresAt: now + ttlMs });
    return { principal, token };
  }

  /** Finds by the token's hash: how long that takes says nothing about a token. */
  find(hash: Buffer): WorkloadPrincipal | undefined {
    const issued = this.#issued.get(hash.toString("hex"));
    if (issued === undefined || issued.expiresAt <= this.#clock.now().getTime()) return undefined;
    return issued.principal;
  }

  revokeRun(run: string): void {
    this.#forget(({ principal }) => principal.run === run);
  }

  #forget(isGone: (issued: Issued) => boolean): void {
    for (const [hash, issued] of this.#issued) if (isGone(issued)) this.#issued.delete(hash);
  }
}
