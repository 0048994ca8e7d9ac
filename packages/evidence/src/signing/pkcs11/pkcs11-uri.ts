// PKCS #11 URIs (RFC 7512): which token, which object. Where its module and PIN are is for the configuration to say.
import { signingErrors } from "../errors.ts";
import type { KeyUri } from "../key-uri.ts";

/** At least one of `label` and `idHex` is there. */
export interface Pkcs11Name {
  readonly token: string | undefined;
  readonly label: string | undefined;
  /** CKA_ID in lower-case hexadecimal. */
  readonly idHex: string | undefined;
}

/** Attributes that may stand there and say nothing of ours. */
const IGNORED = new Set(["type", "manufacturer", "model", "serial", "slot-manufacturer", "slot-description"]);

/**
 * Reads the path of a URI. A query is refused: `module-path` would run code of the caller's choice, and a PIN in a URI
 * ends in logs.
 * @throws `key.bad-uri`
 */
export function parsePkcs11Uri({ rest, text }: KeyUri): Pkcs11Name {
  const bad = (reason: string): Error => signingErrors("key.bad-uri", { uri: text, reason });
  if (rest.includes("?")) throw bad("the module and the PIN are configured under `signing.pkcs11`");
  const attributes = new Map<string, Buffer>();
  for (const part of rest.split(";")) {
    const [name = "", value] = splitOnce(part);
    if (value === undefined || attributes.has(name)) throw bad("it is a list of name=value, each once");
    if (IGNORED.has(name)) continue;
    if (name !== "token" && name !== "object" && name !== "id") throw bad(`it has an attribute \`${name}\``);
    const bytes = percentDecoded(value);
    // A control character is no part of a label, and could forge a line of what the tool prints.
    const isPlain = name === "id" || bytes?.every((byte) => byte >= 0x20 && byte !== 0x7f) === true;
    if (bytes === undefined || bytes.length === 0 || bytes.length > 128 || !isPlain) {
      throw bad(`its ${name} cannot be read`);
    }
    attributes.set(name, bytes);
  }
  const label = attributes.get("object")?.toString("utf8");
  const idHex = attributes.get("id")?.toString("hex");
  if (label === undefined && idHex === undefined) throw bad("it names no object: add object=LABEL or id=%01");
  return { token: attributes.get("token")?.toString("utf8"), label, idHex };
}

function splitOnce(text: string): [string, string | undefined] {
  const at = text.indexOf("=");
  return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)];
}

function percentDecoded(text: string): Buffer | undefined {
  if (/%(?![0-9A-Fa-f]{2})/.test(text)) return undefined;
  const latin1 = text.replace(/%([0-9A-Fa-f]{2})/g, (_match, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
  return Buffer.from(latin1, "latin1");
}
