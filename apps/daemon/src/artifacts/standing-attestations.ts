// What this daemon once said of an artifact and still stands: who packs the same again need not say it again.
import { verifyArtifact, type SigningKey } from "@pratique/evidence";
import type { Descriptor, Repository } from "@pratique/oci";

/** Referrers with statements of these types by this key, in their order; undefined unless all are there. */
export async function standingAttestations(
  repository: Repository,
  subject: Descriptor,
  key: SigningKey,
  predicateTypes: readonly string[],
): Promise<Descriptor[] | undefined> {
  const own = { keys: [{ name: "own", publicKeyPem: key.publicKeyPem }] };
  const { verified } = await verifyArtifact(repository, subject, own);
  const found = predicateTypes.map((type) => verified.find(({ predicateType }) => predicateType === type)?.referrer);
  const standing = found.filter((referrer) => referrer !== undefined);
  return standing.length === predicateTypes.length ? standing : undefined;
}
