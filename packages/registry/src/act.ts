// What the registry asks guard for.
import { NOT_CHECKED, type Action, type Evidence } from "@pratique/contracts";
import type { JsonObject } from "@pratique/core";
import { artifactResource } from "@pratique/evidence";
import { allowedOrThrow, type Act, type Guard, type GuardResource } from "@pratique/guard";
import type { Descriptor } from "@pratique/oci";
import type { Exchange, RegistryParts } from "./exchange.ts";

export function registryResource({ host }: Pick<RegistryParts, "host">): GuardResource {
  return { type: "Registry", id: host, attributes: { host } };
}

export function repositoryResource(parts: Pick<RegistryParts, "host">, name: string): GuardResource {
  return { type: "Repository", id: `${parts.host}/${name}`, attributes: { name }, parents: [registryResource(parts)] };
}

/** An artifact of which nothing is verified: what policy sees when nobody gathers evidence. */
export function unprovenArtifact(host: string, repository: string, { digest }: Descriptor, now: Date): GuardResource {
  const evidence: Evidence = {
    repository,
    digest,
    kind: "image",
    imageType: "community",
    signers: [],
    licences: [],
    vulnerabilities: NOT_CHECKED,
    clearances: [],
    rejected: [],
  };
  const reference = `${host}/${repository}@${digest}`;
  return artifactResource(evidence, { reference, policyDigest: "", now, registry: host });
}

/** An act of the request's principal. */
export function actOf(
  { principal }: Exchange,
  action: Action,
  resource: GuardResource,
  more: { readonly context?: JsonObject; readonly details?: JsonObject } = {},
): Act {
  const run = principal.type === "Workload" ? principal.run : undefined;
  return { principal, action, resource, ...more, ...(run === undefined ? {} : { run }) };
}

/**
 * Lets an act pass that is only a step towards one (the start of an upload, a HEAD): allowed, it leaves no record of
 * its own; denied, it does. @throws `policy.denied`
 */
export async function permit(guard: Guard, act: Act): Promise<void> {
  if (guard.decide(act).allow) return;
  allowedOrThrow(await guard.perform(act, async () => undefined));
}

/** Decides, acts and records; what comes back is recorded already. @throws `policy.denied` and whatever `run` throws */
export async function perform<T>(
  guard: Guard,
  act: Act,
  run: (note: (details: JsonObject) => void) => Promise<T>,
): Promise<T> {
  return allowedOrThrow(await guard.perform(act, (_decision, note) => run(note)));
}
