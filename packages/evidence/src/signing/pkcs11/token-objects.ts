// What OpenSC's `pkcs11-tool --list-objects` prints, read back.
import { createPublicKey, type KeyObject } from "node:crypto";

export interface TokenPublicKey {
  readonly label: string;
  readonly idHex: string;
  /** Undefined for every kind but ECDSA on P-256 and P-384. */
  readonly publicKey: KeyObject | undefined;
}

/** DER of SubjectPublicKeyInfo up to the point (RFC 5480), by the DER of the curve's object identifier. */
const SPKI_PREFIX: Readonly<Record<string, { readonly hex: string; readonly pointBytes: number }>> = {
  "06082a8648ce3d030107": { hex: "3059301306072a8648ce3d020106082a8648ce3d030107034200", pointBytes: 65 },
  "06052b81040022": { hex: "3076301006072a8648ce3d020106052b81040022036200", pointBytes: 97 },
};

/** The public keys in a listing, in its order. Keys without an ID cannot be signed with. */
export function readTokenObjects(listing: string): TokenPublicKey[] {
  const keys: TokenPublicKey[] = [];
  for (const block of listing.split(/^(?=\S)/m)) {
    if (!block.startsWith("Public Key Object;")) continue;
    const field = (name: string): string => new RegExp(`^ {2}${name}: +(.*)$`, "m").exec(block)?.[1]?.trim() ?? "";
    const idHex = field("ID").toLowerCase();
    if (!/^(?:[0-9a-f]{2})+$/.test(idHex)) continue;
    keys.push({
      label: field("label"),
      idHex,
      publicKey: publicKeyOf(field("EC_PARAMS").split(" ")[0] ?? "", field("EC_POINT")),
    });
  }
  return keys;
}

/**
 * Built here from what is listed: the tool's own `--read-object` fails for P-384 (OpenSC 0.23).
 * CKA_EC_POINT is an OCTET STRING around the point; some modules give the bare point.
 */
function publicKeyOf(paramsHex: string, pointHex: string): KeyObject | undefined {
  const prefix = SPKI_PREFIX[paramsHex.toLowerCase()];
  if (prefix === undefined || !/^[0-9a-f]+$/i.test(pointHex)) return undefined;
  const point = pointHex.slice(-2 * prefix.pointBytes);
  if (point.length !== 2 * prefix.pointBytes || !point.startsWith("04")) return undefined;
  try {
    return createPublicKey({ key: Buffer.from(prefix.hex + point, "hex"), format: "der", type: "spki" });
  } catch {
    // No point of this curve.
    return undefined;
  }
}
