// Verifying artifacts against what is asked and what is required of their repository.
import { readFile, stat } from "node:fs/promises";
import { createPublicKey } from "node:crypto";
import type { ModelSignature, Principal, VerifyRequest, VerifyResult } from "@pratique/contracts";
import {
  compareOmsFiles,
  isPredicateType,
  keyIdOfPem,
  meets,
  readOmsReferrers,
  requirementsFor,
  verifyArtifact,
  verifyOmsBundle,
  type SignerPattern,
  type StatementRequirement,
  type Trust,
} from "@pratique/evidence";
import { allowedOrThrow, type Guard } from "@pratique/guard";
import { readArtifact } from "@pratique/packaging";
import type { Artifacts } from "../artifacts/artifacts.ts";
import type { Found } from "../artifacts/find-artifact.ts";
import { daemonErrors } from "../errors.ts";
import { modelFiles } from "./signing-desk.ts";

export interface VerifyDeskOptions {
  readonly artifacts: Artifacts;
  readonly guard: Guard;
  readonly trust: Trust;
}

const KEY_LIMIT_BYTES = 16 * 1024;
/** Names of those who count for one verification only; no configured name looks like these. */
const GIVEN_KEY = "--key";
const GIVEN_IDENTITY = "--certificate-identity";

export class VerifyDesk {
  readonly #options: VerifyDeskOptions;

  constructor(options: VerifyDeskOptions) {
    this.#options = options;
  }

  async verify(principal: Principal | undefined, request: VerifyRequest): Promise<VerifyResult> {
    const { artifacts, guard } = this.#options;
    const found = await artifacts.find(request.reference);
    const act = { principal, action: "artifact:pull", resource: await artifacts.resource(found) } as const;
    return allowedOrThrow(await guard.perform(act, () => this.#verify(found, request)));
  }

  async #verify(found: Found, request: VerifyRequest): Promise<VerifyResult> {
    const { artifacts } = this.#options;
    const { repository, descriptor, reference, kind } = found;
    const { trust, asked, required } = await this.#asked(repository.name, request);
    const [{ verified, rejected }, modelSignatures] = await Promise.all([
      verifyArtifact(repository, descriptor, trust),
      kind === "model" ? this.#modelSignatures(found, trust) : { judged: [], referrers: new Set<string>() },
    ]);
    // Who is given for this one verification meets nothing that the configuration requires.
    const configured = verified.filter(({ signer }) => signer.name !== GIVEN_KEY && signer.name !== GIVEN_IDENTITY);
    const missing = [...meets({ verified: configured }, required).missing, ...meets({ verified }, asked).missing];
    return {
      reference,
      digest: descriptor.digest,
      kind,
      verified: missing.length === 0,
      missing,
      statements: verified.map(({ predicateType, signer, bundleDigest, time, form }) => ({
        type: predicateType,
        signer,
        bundle: bundleDigest,
        form: form ?? "bundle",
        ...(time === undefined ? {} : { time }),
      })),
      rejected: rejected
        .filter(({ digest }) => !modelSignatures.referrers.has(digest))
        .map(({ digest, reason, detail }) => ({ digest, reason, detail })),
      modelSignatures: modelSignatures.judged,
      evidence: await artifacts.evidence(found),
    };
  }

  /** What the request asks for, what the configuration requires of this repository, and who may meet either. */
  async #asked(
    repository: string,
    request: VerifyRequest,
  ): Promise<{ trust: Trust; asked: StatementRequirement[]; required: StatementRequirement[] }> {
    const { key, keyFile, certificateIdentity, certificateOidcIssuer, type } = request;
    const bad = (problem: string): Error => daemonErrors("control.bad-request", { problem });
    if (type !== undefined && !isPredicateType(type)) throw bad(`\`${type.slice(0, 100)}\` is no predicate type`);
    if ((certificateIdentity === undefined) !== (certificateOidcIssuer === undefined)) {
      throw bad("an identity is asked for by its subject and its issuer, both");
    }
    let { trust } = this.#options;
    const by: SignerPattern[] = [];
    if (key !== undefined) by.push({ key });
    if (keyFile !== undefined) {
      const publicKeyPem = await readPublicKey(keyFile);
      by.push({ keyId: keyIdOfPem(publicKeyPem) });
      trust = { ...trust, keys: [...trust.keys, { name: GIVEN_KEY, publicKeyPem }] };
    }
    if (certificateIdentity !== undefined && certificateOidcIssuer !== undefined) {
      by.push({ issuer: certificateOidcIssuer, subject: certificateIdentity });
      const given = {
        name: GIVEN_IDENTITY,
        issuer: certificateOidcIssuer,
        ...(certificateIdentity.includes("*")
          ? { subjectPattern: certificateIdentity }
          : { subject: certificateIdentity }),
      };
      trust = { ...trust, identities: [...(trust.identities ?? []), given] };
    }
    const required = requirementsFor(trust.requirements ?? [], repository);
    // Where nothing is asked and nothing required, an artifact must be signed by anyone who is trusted.
    const isAsked = by.length > 0 || type !== undefined || required.length === 0;
    const asked = isAsked ? [{ type: type ?? "signature", ...(by.length === 0 ? {} : { by }) }] : [];
    return { trust, asked, required };
  }

  async #modelSignatures(
    { repository, descriptor }: Found,
    trust: Trust,
  ): Promise<{ judged: ModelSignature[]; referrers: ReadonlySet<string> }> {
    const signatures = await readOmsReferrers(repository, descriptor);
    const referrers = new Set<string>(signatures.map(({ referrer }) => referrer.digest));
    if (signatures.length === 0) return { judged: [], referrers };
    const files = await modelFiles(await readArtifact(repository, descriptor.digest));
    return { judged: signatures.map(({ bytes }) => judgeModelSignature(bytes, trust, files)), referrers };
  }
}

/** What a model signature says of these files; `files` by path, or undefined when they must be hashed first. */
function judgeModelSignature(bytes: Uint8Array, trust: Trust, files: ReadonlyMap<string, string>): ModelSignature {
  const verification = verifyOmsBundle(bytes, trust);
  if (!verification.ok) return { verified: false, problems: [verification.detail], ignored: [] };
  const { statement, signer } = verification;
  const { root, ignored, hash, shardBytes } = statement;
  const facts = {
    signer: signer.name,
    ...(root === undefined ? {} : { root }),
    files: statement.resources.length,
    ignored: [...ignored],
  };
  if (hash !== "sha256" || shardBytes !== undefined) {
    const problems = [
      "its files were hashed in another way than an artifact's are: unpack it and verify the directory",
    ];
    return { verified: false, problems, ...facts };
  }
  const problems = problemsOf(compareOmsFiles(statement, files));
  return { verified: problems.length === 0, problems, ...facts };
}

export function problemsOf(differences: ReturnType<typeof compareOmsFiles>): string[] {
  const { changed, missing, extra } = differences;
  return [
    ...changed.map((name) => `${name} is another file than was signed`),
    ...missing.map((name) => `${name} was signed and is not there`),
    ...extra.map((name) => `${name} is there and was not signed`),
  ];
}

/** @throws `control.bad-request` */
export async function readPublicKey(path: string): Promise<string> {
  const bad = (reason: string): Error => daemonErrors("control.bad-request", { problem: `${path} ${reason}` });
  const status = await stat(path).catch(() => undefined);
  if (status === undefined || !status.isFile()) throw bad("is no file");
  if (status.size > KEY_LIMIT_BYTES) throw bad("is no public key");
  const pem = await readFile(path, "utf8");
  if (pem.includes("PRIVATE KEY")) throw bad("is a private key: name the public one");
  try {
    createPublicKey(pem);
  } catch {
    throw bad("is no public key in PEM form");
  }
  return pem;
}
