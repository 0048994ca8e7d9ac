// What OpenSC's `pkcs11-tool --list-objects` prints, read back.
import { createPublicKey, type KeyObject } from "node:crypto";

export interface TokenPublicKey {
  readonly label: string;
  readonly idHex: string;
  /** Undefined for every kind but P-256, P-384 and Ed25519. */
  readonly publicKey: KeyObject | undefined;
}

interface Curve {
  /** DER of SubjectPublicKeyInfo up to the point (RFC 5480, RFC 8410). */
  readonly prefixHex: string;
  readonly pointBytes: number;
  /** How an uncompressed point begins. */
  readonly begin: string;
}

const ED25519: Curve = { prefixHex: "302a300506032b6570032100", pointBytes: 32, begin: "" };

/** By the DER of CKA_EC_PARAMS: an object identifier, or for Edwards curves a name (PKCS #11 3.0 §2.3.3). */
const CURVES: Readonly<Record<string, Curve>> = {
  "06082a8648ce3d030107": {
    prefixHex: "3059301306072a8648ce3d020106082a8648ce3d030107034200",
    pointBytes: 65,
    begin: "04",
  },
  "06052b81040022": { prefixHex: "3076301006072a8648ce3d020106052b81040022036200", pointBytes: 97, begin: "04" },
  "06032b6570": ED25519,
  "130c656477617264733235353139": ED25519,
};

/** The public keys in a listing, in its order, of OpenSC before and after 0.26. Keys without an ID cannot be signed with. */
export function readTokenObjects(listing: string): TokenPublicKey[] {
  const keys: TokenPublicKey[] = [];
  for (const block of listing.split(/^(?=\S)/m)) {
    if (!block.startsWith("Public Key Object;")) continue;
    const idHex = readId(fieldOf(block, "ID"));
    if (idHex === undefined) continue;
    const params = fieldOf(block, "EC[_ ]PARAMS").split(" ")[0]?.replaceAll(":", "") ?? "";
    const point = fieldOf(block, "EC[_ ]POINT");
    keys.push({ label: fieldOf(block, "label"), idHex, publicKey: publicKeyOf(params, point) });
  }
  return keys;
}

/** One field; newer versions break long values, and go on further in. */
function fieldOf(block: string, name: string): string {
  const value = new RegExp(`^ {2}${name}: *(.*(?:\\n {6,}.*)*)$`, "im").exec(block)?.[1] ?? "";
  return value.replace(/\n +/g, "").trim();
}

/** `01`, `1 (0x01)` or `42:ca`. */
function readId(text: string): string | undefined {
  const hex = (/\(0x([0-9a-f]+)\)$/i.exec(text)?.[1] ?? text.replaceAll(":", "")).toLowerCase();
  return /^(?:[0-9a-f]{2})+$/.test(hex) ? hex : undefined;
}

/**
 * Built here from what is listed: the tool's own `--read-object` fails for P-384 (OpenSC 0.23).
 * CKA_EC_POINT is an OCTET STRING around the point; some modules give the bare point.
 */
function publicKeyOf(paramsHex: string, pointHex: string): KeyObject | undefined {
  const curve = CURVES[paramsHex.toLowerCase()];
  if (curve === undefined || !/^[0-9a-f]+$/i.test(pointHex)) return undefined;
  const point = pointHex.slice(-2 * curve.pointBytes);
  if (point.length !== 2 * curve.pointBytes || !point.startsWith(curve.begin)) return undefined;
  try {
    return createPublicKey({ key: Buffer.from(curve.prefixHex + point, "hex"), format: "der", type: "spki" });
  } catch {
    // No point of this curve.
    return undefined;
  }
}
