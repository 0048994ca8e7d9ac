// Who holds keys: one provider a URI scheme. A further key service is one more of these.
import { signingErrors } from "./errors.ts";
import type { KeyAlgorithm } from "./key-algorithm.ts";
import type { KeyUri } from "./key-uri.ts";
import type { SigningKey } from "./signing-key.ts";

export interface KeyProvider {
  /** For a person: `a key in a file`. */
  readonly holds: string;
  readonly schemes: readonly string[];
  /** The key under this URI, ready to sign. */
  open(uri: KeyUri): Promise<SigningKey>;
  /** Makes a key under this URI, where the holder can; its private half never leaves the holder. */
  create?(uri: KeyUri, algorithm: KeyAlgorithm): Promise<SigningKey>;
}

/** @throws `key.unknown-scheme` */
export function providerFor(providers: readonly KeyProvider[], { scheme }: KeyUri): KeyProvider {
  const provider = providers.find(({ schemes }) => schemes.includes(scheme));
  if (provider !== undefined) return provider;
  const known = providers.flatMap(({ schemes }) => schemes.map((name) => `${name}:`)).join(", ");
  throw signingErrors("key.unknown-scheme", { scheme, known });
}
