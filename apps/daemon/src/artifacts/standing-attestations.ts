// What this daemon once said of an artifact and still stands: who packs the same again need not say it again.
import { verifyArtifact, type SigningKey } from "@pratique/evidence";
import type { Descriptor, Repository } from "@pratique/oci";
import type { Digest } from "@pratique/core";

const KEPT = 1000;

export class StandingAttestations {
  readonly #key: SigningKey;
  readonly #predicateTypes: readonly string[];
  /** By place and subject: referrers that were verified, or made here. Their digests say what is in them. */
  readonly #known = new Map<string, readonly Digest[]>();

  constructor(key: SigningKey, predicateTypes: readonly string[]) {
    this.#key = key;
    this.#predicateTypes = predicateTypes;
  }

  /** Referrers with statements of each type by this key, in the types' order; undefined unless all are there. */
  async find(repository: Repository, subject: Descriptor): Promise<readonly Digest[] | undefined> {
    const known = this.#known.get(place(repository, subject));
    if (known !== undefined) {
      const listed = new Set((await repository.referrers(subject.digest)).map(({ digest }) => digest));
      if (known.every((digest) => listed.has(digest))) return known;
    }
    const own = { keys: [{ name: "own", publicKeyPem: this.#key.publicKeyPem }] };
    const { verified } = await verifyArtifact(repository, subject, own);
    const found = this.#predicateTypes.flatMap((type) => {
      const statement = verified.find(({ predicateType }) => predicateType === type);
      return statement === undefined ? [] : [statement.referrer.digest];
    });
    if (found.length < this.#predicateTypes.length) return undefined;
    this.remember(repository, subject, found);
    return found;
  }

  remember(repository: Repository, subject: Descriptor, referrers: readonly Digest[]): void {
    for (const oldest of this.#known.keys()) {
      if (this.#known.size < KEPT) break;
      this.#known.delete(oldest);
    }
    this.#known.set(place(repository, subject), referrers);
  }
}

function place({ origin, name }: Repository, { digest }: Descriptor): string {
  return `${origin ?? ""} ${name} ${digest}`;
}
