// The desk for bills of materials: the one that is attested, or one that is found by looking, in any format.
import { isPratiqueError, Mutex, SingleFlight, type Clock, type JsonObject, type Log } from "@pratique/core";
import type { Principal, SbomOrigin, SbomRequest, SbomResult } from "@pratique/contracts";
import { attest, OWNER, verifyArtifact, type SigningKey, type Trust } from "@pratique/evidence";
import { allowedOrThrow, type Guard } from "@pratique/guard";
import type { Descriptor, LocalRepository } from "@pratique/oci";
import { artifactDocument } from "@pratique/packaging";
import {
  isSbomPredicate,
  licenceSummary,
  predicateTypeOf,
  readSbomDocument,
  writeSbom,
  type ReadSbom,
  type SbomDocument,
  type SbomFormat,
} from "@pratique/sbom";
import type { Artifacts } from "../artifacts/artifacts.ts";
import type { Found } from "../artifacts/find-artifact.ts";

export interface SbomDeskOptions {
  readonly artifacts: Artifacts;
  readonly guard: Guard;
  readonly key: SigningKey;
  readonly trust: Trust;
  readonly clock: Clock;
  readonly log: Log;
}

/** A document, and where it comes from. */
export interface Known {
  readonly document: SbomDocument;
  readonly origin: SbomOrigin;
  readonly signer?: string;
  readonly attestation?: string;
  /** As it was signed. */
  readonly predicate?: JsonObject;
  readonly format?: string;
}

interface Attested {
  readonly read: ReadSbom;
  readonly predicate: JsonObject;
  readonly signer: string;
  readonly attestation: string;
}

/** Documents that were found by looking are kept for who asks for another format, or for a diff. */
const KEPT = 8;
const NAMES: Readonly<Record<SbomFormat, string>> = {
  "cyclonedx-1.6": "CycloneDX 1.6",
  "cyclonedx-1.7": "CycloneDX 1.7",
  "spdx-2.3": "SPDX 2.3",
  "spdx-3.0": "SPDX 3.0.1",
};

export class SbomDesk {
  readonly #options: SbomDeskOptions;
  readonly #generated = new Map<string, SbomDocument>();
  readonly #looking = new SingleFlight<SbomDocument>();
  /** Attesting reads what is there and then replaces it: two at once would leave both. */
  readonly #attaching = new Mutex();

  constructor(options: SbomDeskOptions) {
    this.#options = options;
  }

  /** A document in a format, and attached to the artifact when that is asked for. */
  async sbom(principal: Principal, request: SbomRequest): Promise<SbomResult> {
    const { artifacts, guard } = this.#options;
    const { format = "cyclonedx-1.6", attest: isAttested = false, fresh = false, platform } = request;
    const found = await artifacts.find(request.reference);
    const resource = await artifacts.resource(found);
    const look = (): Promise<Known> => this.known(found, { format, fresh, platform });
    const known = allowedOrThrow(await guard.perform({ principal, action: "artifact:pull", resource }, look));
    const document = known.predicate ?? writeSbom(known.document, format);
    const { attestation } = known;
    let attached: string | undefined;
    if (isAttested && known.origin !== "attested") {
      const outcome = await guard.perform({ principal, action: "artifact:sign", resource }, async (_decision, note) => {
        const { digest } = await this.attach(found.repository, found.descriptor, document, format);
        note({ sbom: digest, format });
        return digest;
      });
      attached = allowedOrThrow(outcome);
    }
    const { declared, expressions, undeclared } = licenceSummary(
      known.document.subject.licences,
      known.document.components,
    );
    return {
      reference: found.reference,
      digest: found.descriptor.digest,
      kind: found.kind,
      format,
      origin: known.origin,
      ...(known.signer === undefined ? {} : { signer: known.signer }),
      ...(attestation === undefined ? {} : { attestation }),
      ...(attached === undefined ? {} : { attached }),
      components: known.document.components.length,
      licences: { ...(declared === undefined ? {} : { declared }), expressions: [...expressions], undeclared },
      unread: [...(known.document.unread ?? [])],
      document,
    };
  }

  /** What is known of an artifact; who may ask was decided before. */
  async known(
    found: Pick<Found, "repository" | "descriptor">,
    o: { format?: SbomFormat; fresh?: boolean; platform?: string | undefined } = {},
  ): Promise<Known> {
    const attested = o.fresh === true ? [] : await this.attested(found.repository, found.descriptor);
    const exact = o.format === undefined ? undefined : attested.find(({ read }) => read.format === NAMES[o.format!]);
    const best = exact ?? attested[0];
    if (best === undefined) {
      return { document: await this.generate(found.repository, found.descriptor, o), origin: "generated" };
    }
    const { read, predicate, signer, attestation } = best;
    if (best === exact) return { document: read, origin: "attested", signer, attestation, predicate };
    return { document: read, origin: "converted", signer, attestation };
  }

  /** Bills of materials that somebody trusted signed, newest first. */
  async attested(repository: LocalRepository, subject: Descriptor): Promise<Attested[]> {
    const { verified } = await verifyArtifact(repository, subject, this.#options.trust);
    return verified.flatMap(({ predicateType, predicate, signer, referrer }): Attested[] => {
      if (!isSbomPredicate(predicateType)) return [];
      try {
        return [{ read: readSbomDocument(predicate), predicate, signer: signer.name, attestation: referrer.digest }];
      } catch (error) {
        // Signed, and no bill of materials all the same: then there is none.
        if (isPratiqueError(error)) return [];
        throw error;
      }
    });
  }

  /** The newest of them. */
  async attestedDocument(repository: LocalRepository, subject: Descriptor): Promise<SbomDocument | undefined> {
    return (await this.attested(repository, subject))[0]?.read;
  }

  /** Looks into an artifact, its members' attested documents being believed. */
  async generate(
    repository: LocalRepository,
    subject: Descriptor,
    o: { platform?: string | undefined } = {},
  ): Promise<SbomDocument> {
    const key = `${repository.name} ${subject.digest} ${o.platform ?? ""}`;
    const kept = this.#generated.get(key);
    if (kept !== undefined) return kept;
    const document = await this.#looking.run(key, async () => {
      const attested = await this.attested(repository, subject);
      return artifactDocument(repository, subject.digest, {
        name: repository.name,
        platform: o.platform,
        // The same digest holds what was packed into it, whether or not it shows.
        besides: attested.find(({ signer }) => signer === OWNER)?.read.components,
        documentOf: (member) => this.attestedDocument(repository, member),
      });
    });
    this.#generated.set(key, document);
    for (const oldest of this.#generated.keys()) {
      if (this.#generated.size <= KEPT) break;
      this.#generated.delete(oldest);
    }
    return document;
  }

  /** Hangs a document on an artifact, signed. An equal one stays. */
  async attach(
    repository: LocalRepository,
    subject: Descriptor,
    document: JsonObject,
    format: SbomFormat,
  ): Promise<Descriptor> {
    const { key, clock } = this.#options;
    const statement = { predicateType: predicateTypeOf(format), predicate: document };
    return this.#attaching.run(() => attest(repository, subject, statement, key, clock));
  }

  /** Makes one for an artifact that has none. It never fails what it is done for: without one, policy says so. */
  async ensure(repository: LocalRepository, subject: Descriptor): Promise<Descriptor | undefined> {
    try {
      if ((await this.attested(repository, subject)).length > 0) return undefined;
      const document = writeSbom(await this.generate(repository, subject), "cyclonedx-1.6");
      return await this.attach(repository, subject, document, "cyclonedx-1.6");
    } catch (error) {
      if (!isPratiqueError(error)) throw error;
      this.#options.log.warn("no bill of materials could be made", {
        repository: repository.name,
        digest: subject.digest,
        code: error.code,
        reason: error.message,
      });
      return undefined;
    }
  }
}
