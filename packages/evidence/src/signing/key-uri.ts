// How a key is named: a scheme that says who holds it, and the holder's own name for it.
import { signingErrors } from "./errors.ts";

/** `pkcs11:token=t;object=o`, `hashivault://release`, `file:/etc/keys/release.pem`. */
export interface KeyUri {
  readonly scheme: string;
  /** What follows the colon. */
  readonly rest: string;
  readonly text: string;
}

const NAME = /^[a-z0-9][a-z0-9._-]{0,62}$/;
const URI = /^([a-z][a-z0-9+.-]{1,31}):([\x21-\x7e]{1,2000})$/;

export function isKeyName(text: string): boolean {
  return NAME.test(text);
}

/** Reads a key's URI. What it says of secrets is never repeated in an error. @throws `key.bad-uri` */
export function parseKeyUri(text: string): KeyUri {
  const [, scheme, rest] = URI.exec(text) ?? [];
  if (scheme === undefined || rest === undefined) {
    throw signingErrors("key.bad-uri", { uri: withoutSecrets(text.slice(0, 100)), reason: "it is no URI" });
  }
  return { scheme, rest, text: withoutSecrets(text) };
}

/** RFC 7512 §2.4 lets a PIN stand in a URI. It is refused, and shown nowhere. */
function withoutSecrets(text: string): string {
  return text.replace(/pin-value=[^&;]*/g, "pin-value=…");
}
