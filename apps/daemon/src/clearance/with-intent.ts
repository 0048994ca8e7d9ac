// An act that signs: written down before it signs, and crossed out when its record is durable.
import type { Principal } from "@pratique/contracts";
import { isPratiqueError } from "@pratique/core";
import { SIGNATURE_PREDICATE, type ActIntent, type ActIntents } from "@pratique/evidence";
import type { Found } from "../artifacts/find-artifact.ts";

/**
 * `perform` passes guard, and calls `begin` right before it signs. When its record could not be written the intent stays,
 * and the next start settles it.
 */
export async function withIntent<T>(
  intents: ActIntents,
  intent: Omit<ActIntent, "principal"> & { readonly principal: Principal | undefined },
  perform: (begin: () => Promise<void>) => Promise<T>,
): Promise<T> {
  let id: string | undefined;
  const { principal } = intent;
  try {
    const value = await perform(async () => {
      if (principal !== undefined) id = await intents.begin({ ...intent, principal });
    });
    if (id !== undefined) await intents.end(id);
    return value;
  } catch (error) {
    if (id !== undefined && !isPratiqueError(error, "guard.record-failed")) await intents.end(id);
    throw error;
  }
}

/** Of a signature on the artifact itself. */
export function signatureIntent(
  principal: Principal | undefined,
  { repository, descriptor, reference }: Found,
): Omit<ActIntent, "principal"> & { readonly principal: Principal | undefined } {
  const { digest } = descriptor;
  return {
    action: "artifact:sign",
    principal,
    repository: repository.name,
    digest,
    reference,
    predicateType: SIGNATURE_PREDICATE,
  };
}
