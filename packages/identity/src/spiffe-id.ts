// SPIFFE IDs, as the SPIFFE-ID specification §2 writes them. Pure.
import { identityErrors } from "./errors.ts";

const TRUST_DOMAIN = /^[a-z0-9._-]{1,255}$/;
const SEGMENT = /^[A-Za-z0-9._-]+$/;
const MAX_BYTES = 2048;

/** @throws `identity.bad-trust-domain` */
export function checkTrustDomain(name: string): string {
  if (!TRUST_DOMAIN.test(name)) throw identityErrors("identity.bad-trust-domain", { name: name.slice(0, 160) });
  return name;
}

/** `spiffe://trust.domain/path`. @throws `identity.bad-workload` */
export function spiffeId(trustDomain: string, path: string): string {
  const bad = (reason: string): Error => identityErrors("identity.bad-workload", { path: path.slice(0, 160), reason });
  for (const segment of path.split("/")) {
    if (segment === "") throw bad("a segment is empty");
    if (segment === "." || segment === "..") throw bad("it has a relative segment");
    if (!SEGMENT.test(segment)) throw bad("a segment has a character that is not allowed");
  }
  const id = `spiffe://${trustDomain}/${path}`;
  if (id.length > MAX_BYTES) throw bad(`it is longer than ${MAX_BYTES} bytes`);
  return id;
}
