// What wraps data keys: the key-encryption key, wherever it lies.

export interface WrappedKey {
  /** Names the key that it lies under: `file:5f3a…`, `vault:transit/pratique:v3`. */
  readonly keyId: string;
  readonly wrappedKey: string;
}

export interface KeyWrapper {
  /** `keyring`, `file`, `passphrase`, `kubernetes` or `vault`. */
  readonly type: string;
  /** Where the key is, in words. */
  readonly place: string;
  /** `bound` must be the same again. @throws `secrets.keys-unusable`, `secrets.keys-unreachable` */
  wrap(dataKey: Uint8Array, bound: Uint8Array): Promise<WrappedKey>;
  /**
   * Undefined when it was changed, or wrapped for something else.
   * @throws `secrets.key-missing`, `secrets.keys-unusable`, `secrets.keys-unreachable`
   */
  unwrap(wrapped: WrappedKey, bound: Uint8Array): Promise<Buffer | undefined>;
  /** True when keys of that name are its own. */
  owns(keyId: string): boolean;
  /** The key that wraps now. Makes one when there is none. */
  current(): Promise<string>;
  /** Makes a key that wraps from now on. What lies under older ones still opens. */
  rotate(): Promise<string>;
  /** Finds out what was chosen before, without choosing. Absent where nothing is chosen. */
  recall?(): Promise<void>;
  /** Gives up keys that nothing lies under any more. */
  retire(inUse: ReadonlySet<string>): Promise<void>;
}
