// A Sigstore: certificate authority, transparency log and timestamp authority, each act of them guarded and recorded.
import { randomBytes, X509Certificate } from "node:crypto";
import { join } from "node:path";
import { TileLog, type LogKey } from "@pratique/audit";
import type { Principal, UserPrincipal } from "@pratique/contracts";
import { digestOf, type Clock, type JsonObject, type Log } from "@pratique/core";
import { allowedOrThrow, type Guard } from "@pratique/guard";
import { ensureDirectory, removeLeftovers } from "@pratique/store";
import { openAuthorityCertificate, openTimestampChain, type AuthorityContext } from "./authority-files.ts";
import { CertificateAuthority, type IssuedCertificate } from "./certificate-authority.ts";
import { checkPossession, type KeyClaim } from "./certificate-request.ts";
import { CertificateLog } from "./ct-log.ts";
import type { CertifiedIdentity } from "./identity-claims.ts";
import { fileKeys, type SigstoreKeys } from "./sigstore-keys.ts";
import { TimestampAuthority, type IssuedTimestamp, type TimestampRequest } from "./timestamp-authority.ts";
import { TokenVerifier, type OidcIssuer } from "./token-verifier.ts";
import { TransparencyLog, type SignedEntry } from "./transparency-log.ts";
import { signingConfigOf, trustedRootOf, type TrustDocument } from "./trust-documents.ts";

export interface SigstoreOptions {
  /** Its own directory: certificates, logs, and the keys unless `keys` says otherwise. */
  readonly directory: string;
  /** The organisation that certificates name, and under which the log has its origin: a DNS name. */
  readonly name: string;
  readonly issuers: readonly OidcIssuer[];
  /** Where clients reach it, without a slash at its end. */
  readonly url: string;
  readonly guard: Guard;
  readonly clock: Clock;
  readonly log: Log;
  readonly keys?: SigstoreKeys;
  readonly random?: (size: number) => Uint8Array;
}

/** Groups that nothing but this package gives: policy says what they may do. */
export const IDENTITIES_GROUP = "sigstore-identities";
export const CLIENTS_GROUP = "sigstore-clients";

const RESOURCE = { type: "System", id: "sigstore" } as const;

interface Parts {
  readonly tokens: TokenVerifier;
  readonly authority: CertificateAuthority;
  readonly certificateTree: TileLog;
  readonly rekorTree: TileLog;
  readonly rekor: TransparencyLog;
  readonly timestamps: TimestampAuthority;
  readonly trustedRoot: TrustDocument;
  readonly signingConfig: TrustDocument;
  readonly rekorKey: LogKey;
}

export class Sigstore {
  readonly #options: SigstoreOptions;
  readonly #parts: Parts;

  private constructor(options: SigstoreOptions, parts: Parts) {
    this.#options = options;
    this.#parts = parts;
  }

  /**
   * Opens it, or makes keys, certificates and logs on first use.
   * @throws `sigstore.bad-key`, `sigstore.bad-certificate`, `sigstore.bad-issuer`, `audit.corrupt`, `audit.wrong-key`
   */
  static async open(options: SigstoreOptions): Promise<Sigstore> {
    const { directory, name, issuers, url, clock, log, random = randomBytes } = options;
    await ensureDirectory(directory, 0o700);
    await removeLeftovers(directory);
    const tokens = new TokenVerifier(issuers, clock);
    const keys = options.keys ?? fileKeys(join(directory, "keys"));
    const [ca, ct, tsa] = [await keys.key("ca"), await keys.key("ct"), await keys.key("tsa")];
    const context: AuthorityContext = { directory, organization: name, clock, random };
    const certificate = await openAuthorityCertificate(context, ca);
    const chain = await openTimestampChain(context, tsa);
    const rekorKey = await keys.logKey("rekor", `rekor.${name}`);
    const rekorTree = await TileLog.open({ directory: join(directory, "rekor"), key: rekorKey, log });
    try {
      const certificateTree = await TileLog.open({
        directory: join(directory, "ct"),
        key: await keys.logKey("ct-log", `ctlog.${name}`),
        log,
      });
      const certificates = new CertificateLog({ key: ct, log: certificateTree, issuerKey: ca.publicKey, clock });
      const rekor = new TransparencyLog({ log: rekorTree, key: rekorKey });
      const since = new Date(new X509Certificate(certificate).validFrom);
      const trustedRoot = trustedRootOf({
        name,
        since,
        authority: certificate,
        timestampChain: chain,
        rekor: { origin: rekorKey.name, publicKey: rekorKey.publicKey, logId: rekor.logId },
        certificateLog: { publicKey: ct.publicKey, logId: certificates.logId },
      });
      return new Sigstore(options, {
        tokens,
        authority: new CertificateAuthority({
          key: ca,
          certificate,
          organization: name,
          log: certificates,
          clock,
          random,
        }),
        certificateTree,
        rekorTree,
        rekor,
        timestamps: new TimestampAuthority({ key: tsa, chain, clock, random }),
        trustedRoot,
        signingConfig: signingConfigOf({ name, since, url, issuers: issuers.map(({ issuer }) => issuer) }),
        rekorKey,
      });
    } catch (error) {
      await rekorTree.close();
      throw error;
    }
  }

  get trustedRoot(): TrustDocument {
    return this.#parts.trustedRoot;
  }

  get signingConfig(): TrustDocument {
    return this.#parts.signingConfig;
  }

  get issuers(): readonly OidcIssuer[] {
    return this.#parts.tokens.issuers;
  }

  /** The authority's certificate. */
  get authorityCertificate(): Buffer {
    return this.#parts.authority.certificate;
  }

  /** The timestamp authority's certificate, then its root. */
  get timestampChain(): readonly Buffer[] {
    return this.#parts.timestamps.chain;
  }

  /** Sizes of both logs, and what checks the first one's checkpoints. */
  get logs(): { readonly entries: number; readonly certificates: number; readonly vkey: string } {
    const { rekorTree, certificateTree, rekorKey } = this.#parts;
    return { entries: rekorTree.checkpoint.size, certificates: certificateTree.checkpoint.size, vkey: rekorKey.vkey };
  }

  /**
   * Authenticates by the token, checks that the key is held, decides, issues, records.
   * @throws `sigstore.token-rejected`, `sigstore.unknown-issuer`, `sigstore.no-possession`, `policy.denied`
   */
  async certify(token: string, claim: KeyClaim): Promise<IssuedCertificate> {
    const { tokens, authority } = this.#parts;
    const identity = await tokens.verify(token);
    checkPossession(claim, identity);
    const { issuer, subject } = identity;
    const outcome = await this.#options.guard.perform(
      {
        principal: principalOf(identity),
        action: "signing:certify",
        resource: RESOURCE,
        context: { issuer, subject },
        details: { issuer, subject },
      },
      async (_decision, note) => {
        const issued = await authority.issue(identity, claim.publicKey);
        note({
          serial: issued.serial,
          notAfter: issued.notAfter.toISOString(),
          certificate: digestOf(issued.certificate),
        });
        return issued;
      },
    );
    return allowedOrThrow(outcome);
  }

  /** Logs a signature that verified. @throws `policy.denied`, `audit.full`, `audit.unavailable` */
  async record(entry: SignedEntry, principal: Principal | undefined): Promise<JsonObject> {
    const outcome = await this.#options.guard.perform(
      {
        principal: principal ?? CLIENT,
        action: "signing:log",
        resource: RESOURCE,
        details: { sha256: Buffer.from(entry.digest, "base64").toString("hex"), body: digestOf(entry.body) },
      },
      async (_decision, note) => {
        const logged = await this.#parts.rekor.add(entry);
        note({ logIndex: logged.logIndex });
        return logged;
      },
    );
    return allowedOrThrow(outcome);
  }

  /** @throws `policy.denied` */
  async timestamp(request: TimestampRequest, principal: Principal | undefined): Promise<IssuedTimestamp> {
    const outcome = await this.#options.guard.perform(
      {
        principal: principal ?? CLIENT,
        action: "signing:timestamp",
        resource: RESOURCE,
        details: { imprint: request.digest.toString("hex") },
      },
      async (_decision, note) => {
        const stamp = await this.#parts.timestamps.stamp(request);
        note({ serial: stamp.serial, time: stamp.time.toISOString() });
        return stamp;
      },
    );
    return allowedOrThrow(outcome);
  }

  /** What the logs serve: `checkpoint` and tiles (C2SP tlog-tiles). */
  tile(log: "rekor" | "ct", path: string): Promise<Uint8Array | undefined> {
    return (log === "rekor" ? this.#parts.rekorTree : this.#parts.certificateTree).tile(path);
  }

  async close(): Promise<void> {
    await this.#parts.rekorTree.close();
    await this.#parts.certificateTree.close();
  }
}

/** Whoever asks for a timestamp or a log entry need not say who they are; what they show is verified. */
const CLIENT: UserPrincipal = {
  type: "User",
  id: "sigstore-client",
  name: "a client of the embedded Sigstore",
  groups: [CLIENTS_GROUP],
};

function principalOf({ issuer, subject }: CertifiedIdentity): UserPrincipal {
  return { type: "User", id: `${issuer} ${subject}`, name: subject, groups: [IDENTITIES_GROUP] };
}
