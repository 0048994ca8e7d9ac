// What an artifact is made of: by a bill of materials that somebody trusted signed, else by looking through it.
import { isPratiqueError, type JsonObject } from "@pratique/core";
import { verifyArtifact, type Trust } from "@pratique/evidence";
import type { Descriptor, LocalRepository } from "@pratique/oci";
import { catalogueArtifact, isSbomPredicate, packageComponentsOf, readSbomDocument } from "@pratique/sbom";
import type { Listing } from "@pratique/vulnerabilities";

export interface ListOptions {
  readonly trust: Trust;
  /** Names how lists are made: with another version of the program the same artifact may have another list. */
  readonly maker: string;
  readonly signal?: AbortSignal | undefined;
}

export interface ListedArtifact {
  readonly listing: Listing | undefined;
  /** Digest of the referrer that it came from. */
  readonly referrer?: string | undefined;
  /** Why there is none. */
  readonly problem?: string | undefined;
}

export async function listArtifact(
  repository: LocalRepository,
  descriptor: Descriptor,
  { trust, maker, signal }: ListOptions,
): Promise<ListedArtifact> {
  const signed = await signedList(repository, descriptor, trust, maker);
  if (signed !== undefined) return signed;
  try {
    const { components, unread } = await catalogueArtifact(repository, descriptor, { signal });
    return { listing: { key: `catalogue ${maker} ${descriptor.digest}`, origin: "catalogue", components, unread } };
  } catch (error) {
    signal?.throwIfAborted();
    if (!isPratiqueError(error)) throw error;
    return { listing: undefined, problem: error.message };
  }
}

/** By the newest bill of materials that can be read. */
async function signedList(
  repository: LocalRepository,
  descriptor: Descriptor,
  trust: Trust,
  maker: string,
): Promise<ListedArtifact | undefined> {
  const { verified } = await verifyArtifact(repository, descriptor, trust);
  for (const { predicateType, predicate, signer, bundleDigest, referrer } of verified) {
    if (!isSbomPredicate(predicateType)) continue;
    const read = listOf(predicate);
    if (read === undefined) continue;
    const key = `attestation ${maker} ${bundleDigest}`;
    return { listing: { key, origin: "attestation", signer: signer.name, ...read }, referrer: referrer.digest };
  }
  return undefined;
}

/** Undefined when it is no bill of materials that we can read. */
export function listOf(predicate: JsonObject): Pick<Listing, "components" | "unread"> | undefined {
  try {
    const document = readSbomDocument(predicate);
    return { components: packageComponentsOf(document), unread: document.unread ?? [] };
  } catch (error) {
    if (!isPratiqueError(error)) throw error;
    return undefined;
  }
}
