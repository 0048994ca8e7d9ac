// The store: each value sealed under a data key of its own, each data key wrapped by the key-encryption key.
import { randomBytes } from "node:crypto";
import type { Principal } from "@pratique/contracts";
import { describeError, isJsonObject, type Clock, type JsonObject, type Log } from "@pratique/core";
import type { SecretKey, SecretRow, SecretTable } from "@pratique/store";
import { secretErrors } from "./errors.ts";
import type { KeyWrapper } from "./keys/key-wrapper.ts";
import { KnownSecrets } from "./known-secrets.ts";
import type { Random } from "./random.ts";
import { boundTo, KEY_BYTES, seal, unseal } from "./seal.ts";
import { Secret } from "./secret.ts";
import { checkSecretName, ownerOf, type SecretSource } from "./secret-source.ts";
import type { ValueSource } from "./sources/value-source.ts";

export interface SecretStoreOptions {
  readonly table: SecretTable;
  readonly keys: KeyWrapper;
  /** Back ends that secrets may still lie under; `rotate` moves those. */
  readonly formerKeys?: readonly KeyWrapper[];
  /** Places of others that shared secrets are looked for when the store has none of the name, in order. */
  readonly sources?: readonly ValueSource[];
  readonly clock: Clock;
  readonly log: Log;
  readonly random?: Random;
}

/** What may be told of a secret. */
export interface SecretEntry extends SecretKey {
  readonly kind: string;
  readonly version: number;
  readonly keyId: string;
  readonly facts: JsonObject;
  readonly createdAt: string;
  readonly updatedAt: string;
}

export interface OpenedSecret {
  readonly entry: SecretEntry;
  readonly secret: Secret;
}

export interface KeepRequest extends SecretKey {
  /** What it is kept for; `secret` is what people set. */
  readonly kind: string;
  readonly facts?: JsonObject;
  /** The version that must be there: 0 for none. Absent: whatever is there is replaced. */
  readonly expected?: number;
}

export interface Rotation {
  readonly keyId: string;
  readonly moved: number;
  /** Could not be opened, and lie where they lay. */
  readonly left: number;
}

/** The kind of what people set: only these are given out by name. */
export const SECRET_KIND = "secret";
const VALUE_LIMIT_BYTES = 64 * 1024;
const ATTEMPTS = 8;

export class SecretStore implements SecretSource {
  /** What the secret guard looks for. */
  readonly known = new KnownSecrets();
  readonly #options: SecretStoreOptions;
  readonly #random: Random;

  constructor(options: SecretStoreOptions) {
    this.#options = options;
    this.#random = options.random ?? randomBytes;
  }

  /** The back end of the key-encryption key, and how many secrets lie under it and elsewhere. */
  async keys(): Promise<{ type: string; place: string; under: number; elsewhere: number }> {
    const { keys, table } = this.#options;
    await keys.recall?.();
    const counts = await table.countByKey();
    const sum = (own: boolean): number =>
      counts.filter(({ keyId }) => keys.owns(keyId) === own).reduce((total, { count }) => total + count, 0);
    return { type: keys.type, place: keys.place, under: sum(true), elsewhere: sum(false) };
  }

  get sources(): readonly { readonly type: string; readonly place: string }[] {
    return this.#options.sources ?? [];
  }

  /** Proves that values can be kept and read again. @throws `secrets.keys-unusable`, `secrets.keys-unreachable` */
  async probe(): Promise<void> {
    const bound = boundTo("", "", 0);
    const dataKey = this.#random(KEY_BYTES);
    const opened = await this.#options.keys.unwrap(await this.#options.keys.wrap(dataKey, bound), bound);
    const { place } = this.#options.keys;
    if (opened?.equals(dataKey) !== true) {
      throw secretErrors("secrets.keys-unusable", { place, reason: "what it wraps does not open" });
    }
  }

  async get(name: string, principal: Principal | undefined): Promise<Secret | undefined> {
    checkSecretName(name);
    const opened = await this.open({ owner: ownerOf(principal), name });
    // What the platform keeps for itself is given to nobody by name.
    if (opened?.entry.kind === SECRET_KIND) return opened.secret;
    return principal === undefined ? await this.#fromSources(name) : undefined;
  }

  /** @throws `secret.unreadable`, `secrets.key-missing`, `secrets.keys-unreachable`, `secrets.keys-unusable` */
  async open(key: SecretKey): Promise<OpenedSecret | undefined> {
    const row = await this.#options.table.get(key);
    return row === undefined ? undefined : await this.#openRow(row);
  }

  /**
   * Keeps a value; durable when it resolves. `value` is overwritten.
   * @throws `secret.conflict` when another version is there than was expected
   */
  async keep(request: KeepRequest, value: Buffer): Promise<SecretEntry> {
    try {
      for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
        const kept = await this.#tryKeep(request, value);
        if (kept !== undefined) return kept;
        if (request.expected !== undefined) break;
      }
    } finally {
      value.fill(0);
    }
    throw secretErrors("secret.conflict", { name: request.name });
  }

  /** What a person sets. @throws `secret.bad-name`, `secret.bad-value` */
  async set(key: SecretKey, value: Buffer, facts: JsonObject = {}): Promise<SecretEntry> {
    const name = checkSecretName(key.name);
    const reason = unfit(value);
    if (reason !== undefined) {
      value.fill(0);
      throw secretErrors("secret.bad-value", { name, reason });
    }
    return await this.keep({ ...key, kind: SECRET_KIND, facts }, value);
  }

  async list(kind?: string): Promise<SecretEntry[]> {
    return (await this.#options.table.list(kind)).map(entryOf);
  }

  /** False when there was none. */
  async remove(key: SecretKey): Promise<boolean> {
    this.known.forget(knownKey(key));
    return await this.#options.table.remove(key);
  }

  /** Makes a new key-encryption key and wraps every data key with it. What is interrupted goes on with the next call. */
  async rotate(): Promise<Rotation> {
    const { keys, table, log } = this.#options;
    const before = await keys.current();
    const keyId = await keys.rotate();
    let [moved, left] = [0, 0];
    for (const row of await table.list()) {
      try {
        if (await this.#rewrap(row, keyId)) moved += 1;
      } catch (error) {
        left += 1;
        log.error("a secret could not be moved under the new key", { name: row.name, ...describeError(error) });
      }
    }
    // Another process may still wrap with the one before for a moment: it goes with the next rotation.
    await keys.retire(new Set([before, ...(await table.countByKey()).map((count) => count.keyId)]));
    return { keyId, moved, left };
  }

  /** Makes every value known to the secret guard. One that cannot be opened does not stop the others. */
  async learnAll(): Promise<void> {
    for (const row of await this.#options.table.list(SECRET_KIND)) {
      try {
        (await this.#openRow(row)).secret.dispose();
      } catch (error) {
        this.#options.log.warn("a secret cannot be opened", { name: row.name, ...describeError(error) });
      }
    }
  }

  async #tryKeep(
    { owner, name, kind, facts = {}, expected }: KeepRequest,
    value: Buffer,
  ): Promise<SecretEntry | undefined> {
    const { table, keys, clock } = this.#options;
    const there = await table.get({ owner, name });
    if (expected !== undefined && (there?.version ?? 0) !== expected) return undefined;
    const version = (there?.version ?? 0) + 1;
    const bound = boundTo(owner, name, version);
    const dataKey = this.#random(KEY_BYTES);
    const now = clock.now().toISOString();
    try {
      const row: SecretRow = {
        owner,
        name,
        kind,
        version,
        ...(await keys.wrap(dataKey, bound)),
        sealed: seal(dataKey, value, bound, this.#random).toString("base64"),
        facts: JSON.stringify(facts),
        createdAt: there?.createdAt ?? now,
        updatedAt: now,
      };
      const isKept = there === undefined ? await table.insert(row) : await table.replace(row, there.version);
      if (!isKept) return undefined;
      if (kind === SECRET_KIND) this.known.add(knownKey(row), name, value.toString("utf8"));
      return entryOf(row);
    } finally {
      dataKey.fill(0);
    }
  }

  async #openRow(row: SecretRow): Promise<OpenedSecret> {
    const bound = boundTo(row.owner, row.name, row.version);
    const dataKey = await this.#unwrap(row, bound);
    const value = dataKey === undefined ? undefined : unseal(dataKey, Buffer.from(row.sealed, "base64"), bound);
    dataKey?.fill(0);
    if (value === undefined) throw secretErrors("secret.unreadable", { name: row.name });
    const secret = new Secret(row.name, row.version, value);
    if (row.kind === SECRET_KIND) this.known.add(knownKey(row), row.name, value.toString("utf8"));
    value.fill(0);
    return { entry: entryOf(row), secret };
  }

  async #unwrap(row: SecretRow, bound: Buffer): Promise<Buffer | undefined> {
    const { keys, formerKeys = [] } = this.#options;
    // The same type may be configured twice: a file, and the one that it was before.
    const owners = [keys, ...formerKeys].filter((wrapper) => wrapper.owns(row.keyId));
    if (owners.length === 0) throw secretErrors("secrets.key-missing", { keyId: row.keyId, place: keys.place });
    let failure: unknown;
    for (const wrapper of owners) {
      try {
        return await wrapper.unwrap(row, bound);
      } catch (error) {
        failure ??= error;
      }
    }
    throw failure;
  }

  async #rewrap(row: SecretRow, keyId: string): Promise<boolean> {
    if (row.keyId === keyId) return false;
    const bound = boundTo(row.owner, row.name, row.version);
    const dataKey = await this.#unwrap(row, bound);
    if (dataKey === undefined) throw secretErrors("secret.unreadable", { name: row.name });
    try {
      // One that was set or removed meanwhile is under the new key already, or gone.
      return await this.#options.table.rewrap(row, await this.#options.keys.wrap(dataKey, bound));
    } finally {
      dataKey.fill(0);
    }
  }

  async #fromSources(name: string): Promise<Secret | undefined> {
    for (const source of this.#options.sources ?? []) {
      const value = await source.read(name);
      if (value === undefined) continue;
      const secret = new Secret(name, 0, value);
      this.known.add(`source ${name}`, name, value.toString("utf8"));
      value.fill(0);
      return secret;
    }
    return undefined;
  }
}

function knownKey({ owner, name }: SecretKey): string {
  return JSON.stringify([owner, name]);
}

function entryOf({ owner, name, kind, version, keyId, facts, createdAt, updatedAt }: SecretRow): SecretEntry {
  const parsed: unknown = JSON.parse(facts);
  return { owner, name, kind, version, keyId, facts: isJsonObject(parsed) ? parsed : {}, createdAt, updatedAt };
}

function unfit(value: Buffer): string | undefined {
  if (value.byteLength === 0) return "it is empty";
  if (value.byteLength > VALUE_LIMIT_BYTES) return `it is larger than ${VALUE_LIMIT_BYTES} bytes`;
  if (value.includes(0)) return "it holds NUL";
  // What is no UTF-8 would come out changed.
  return Buffer.from(value.toString("utf8")).equals(value) ? undefined : "it is no UTF-8";
}
