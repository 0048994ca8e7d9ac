// Waivers as signed statements: on the artifact as a referrer, or about a pattern of repositories in a bundle alone.
import { Waiver } from "@pratique/contracts";
import { canonicalJson, digestOf, isDigest, type Digest, type JsonObject } from "@pratique/core";
import { z } from "zod";
import { makeBundle, readBundle } from "../bundle.ts";
import { preAuthEncoding } from "../dsse.ts";
import { IN_TOTO_TYPE } from "../media-types.ts";
import { WAIVER_PREDICATE } from "../predicates.ts";
import type { SigningKey } from "../signing/signing-key.ts";
import { verifySignature } from "../signing/verify-signature.ts";
import { decodeStatement, encodeStatement, subjectWith } from "../statement.ts";
import { signersOf, type Trust } from "../trust.ts";
import type { VerifiedStatement } from "../verify.ts";
import type { SignedWaiver } from "./waiver-book.ts";

const WAIVER_LIMIT = 256;
const Predicate = z.looseObject({ time: z.iso.datetime(), waivers: z.array(z.unknown()).max(WAIVER_LIMIT) });

export function waiverPredicate(waivers: readonly Waiver[], time: Date): JsonObject {
  return { time: time.toISOString(), waivers: waivers.map((waiver) => ({ ...waiver, scope: { ...waiver.scope } })) };
}

/** What a statement about a pattern of repositories is about: there is no artifact, so it is the scope itself. */
export function scopeDigest({ scope }: Pick<Waiver, "scope">): Digest {
  return digestOf(canonicalJson({ ...scope }));
}

/** A bundle with one waiver, for the book: its subject is the artifact when it names one, else its scope. */
export async function waiverBundle(waiver: Waiver, key: SigningKey): Promise<Buffer> {
  const { artifact } = waiver.scope;
  const subject = artifact !== undefined && isDigest(artifact) ? artifact : scopeDigest(waiver);
  const predicate = waiverPredicate([waiver], new Date(waiver.created));
  return makeBundle(
    encodeStatement({ subject, subjectName: waiver.id, predicateType: WAIVER_PREDICATE, predicate }),
    key,
  );
}

/** The waivers in a verified statement. One that cannot be read is none; what its signer may not waive counts for nothing. */
export function readWaivers(
  statement: Pick<VerifiedStatement, "predicate" | "trust" | "bundleDigest">,
): SignedWaiver[] {
  if (!statement.trust.clears) return [];
  const waivers = Predicate.safeParse(statement.predicate).data?.waivers ?? [];
  return waivers.flatMap((value) => {
    const waiver = Waiver.safeParse(value).data;
    return waiver === undefined ? [] : [{ waiver, bundle: statement.bundleDigest }];
  });
}

/** A waiver out of the book, verified like anything from outside; undefined when it does not verify, or its signer may not waive. */
export function openWaiverBundle(bytes: Uint8Array, trust: Trust): SignedWaiver | undefined {
  const read = readBundle(bytes);
  if (!read.ok || read.by.kind !== "key") return undefined;
  const signer = signersOf(trust).get(read.by.keyId);
  const signature = read.bundle.content.dsseEnvelope.signatures[0]?.sig;
  if (signer?.clears !== true || signature === undefined) return undefined;
  if (!verifySignature(signer.publicKey, preAuthEncoding(IN_TOTO_TYPE, read.payload), signature)) return undefined;
  const statement = decodeStatement(read.payload);
  if (statement?.predicateType !== WAIVER_PREDICATE) return undefined;
  const { predicate } = statement;
  const [signed, ...more] = readWaivers({ predicate, trust: signer, bundleDigest: digestOf(bytes) });
  if (signed === undefined || more.length > 0) return undefined;
  const { artifact } = signed.waiver.scope;
  const subject = artifact !== undefined && isDigest(artifact) ? artifact : scopeDigest(signed.waiver);
  return subjectWith(statement, subject) === undefined ? undefined : signed;
}
