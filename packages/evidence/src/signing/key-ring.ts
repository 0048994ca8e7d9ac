// The signing keys of one installation by name: its owner's, those in its directory, those of the configuration.
import { createPublicKey } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { isPratiqueError, Mutex } from "@pratique/core";
import { ensureDirectory, removeLeftovers, systemCode, writeFilesDurably } from "@pratique/store";
import { signingErrors } from "./errors.ts";
import { keyAlgorithmOf, type KeyAlgorithm } from "./key-algorithm.ts";
import { filePathOf, generatePem, openKeyFile, pemOf, readKeyFile, signingKeyOf } from "./key-files.ts";
import { providerFor, type KeyProvider } from "./key-provider.ts";
import { isKeyName, parseKeyUri } from "./key-uri.ts";
import { keyIdOf, type SigningKey } from "./signing-key.ts";

/** A key that the configuration names. */
export interface ConfiguredKey {
  readonly uri: string;
  /** For an encrypted file. */
  readonly passphraseFile?: string | undefined;
}

export interface KeyRingOptions {
  /** Where keys by name lie; made when it is not there. */
  readonly directory: string;
  readonly owner: SigningKey;
  readonly configured: Readonly<Record<string, ConfiguredKey>>;
  readonly providers: readonly KeyProvider[];
  /** Names that mean other keys already, of the trust configuration. */
  readonly taken: ReadonlySet<string>;
}

/** One line of a listing. What cannot be opened now is listed all the same. */
export interface KeyEntry {
  readonly name: string;
  /** `owner`, `file` (in the directory), or the URI. */
  readonly where: string;
  readonly algorithm?: KeyAlgorithm | undefined;
  readonly keyId?: string | undefined;
  readonly publicKeyPem?: string | undefined;
}

export const OWNER_KEY = "owner";
const PRIVATE = ".pem";
const PUBLIC = ".pub";
const ADDRESS = ".uri";

/** Opens the ring. The public halves of keys elsewhere lie beside their URIs: to trust them takes no token and no network. */
export async function openKeyRing(options: KeyRingOptions): Promise<KeyRing> {
  await ensureDirectory(options.directory, 0o700);
  await removeLeftovers(options.directory);
  const own = new Map<string, KeyEntry>();
  for (const file of (await readdir(options.directory)).sort()) {
    const name = /^(.+)\.(?:pem|uri)$/.exec(file)?.[1];
    if (name === undefined || !isKeyName(name)) continue;
    const path = join(options.directory, file);
    if (file.endsWith(PRIVATE)) own.set(name, { name, where: "file", ...(await ownPublicHalf(path)) });
    else {
      const where = await readFile(path, "utf8");
      own.set(name, { name, where, ...(await publicHalf(join(options.directory, `${name}${PUBLIC}`))) });
    }
  }
  return new KeyRing(options, own);
}

export class KeyRing {
  readonly #options: KeyRingOptions;
  readonly #own: Map<string, KeyEntry>;
  readonly #making = new Mutex();

  constructor(options: KeyRingOptions, own: Map<string, KeyEntry>) {
    this.#options = options;
    this.#own = own;
  }

  /** True for a name: whoever may sign may use those. A URI is only for whoever may administer. */
  knows(key: string): boolean {
    return key === OWNER_KEY || this.#own.has(key) || Object.hasOwn(this.#options.configured, key);
  }

  /** @throws `key.not-found`, `key.bad-uri`, and what the holder of the key says */
  async open(key: string): Promise<SigningKey> {
    const { owner, configured, directory } = this.#options;
    if (key === OWNER_KEY) return owner;
    const named = Object.hasOwn(configured, key) ? configured[key] : undefined;
    if (named !== undefined) return await this.#openUri(named.uri, named.passphraseFile);
    const own = this.#own.get(key);
    if (own === undefined) {
      if (isKeyName(key)) throw signingErrors("key.not-found", { name: key });
      return await this.#openUri(key);
    }
    return own.where === "file"
      ? await openKeyFile(join(directory, `${key}${PRIVATE}`))
      : await this.#openUri(own.where);
  }

  /** Makes a key: in a file here, or with `uri` wherever that is. */
  async create(name: string, algorithm: KeyAlgorithm, uri?: string): Promise<KeyEntry> {
    return await this.#making.run(async () => {
      this.#checkFree(name);
      if (uri === undefined) {
        const pem = generatePem(algorithm);
        return await this.#keep(name, "file", pem, signingKeyOf(pem));
      }
      const parsed = parseKeyUri(uri);
      const provider = providerFor(this.#options.providers, parsed);
      if (provider.create === undefined) {
        throw signingErrors("key.bad-uri", { uri: parsed.text, reason: `no key is made in ${provider.holds}` });
      }
      return await this.#keep(name, uri, uri, await provider.create(parsed, algorithm));
    });
  }

  /** Takes over the private key in a file; an encrypted one is kept in the clear, as the owner's, readable to its owner only. */
  async importFile(name: string, file: string, passphraseFile?: string): Promise<KeyEntry> {
    return await this.#making.run(async () => {
      this.#checkFree(name);
      const pem = pemOf((await readKeyFile(file, passphraseFile)).key);
      return await this.#keep(name, "file", pem, signingKeyOf(pem));
    });
  }

  /** Gives a name to a key that another holds. */
  async importUri(name: string, uri: string): Promise<KeyEntry> {
    return await this.#making.run(async () => {
      this.#checkFree(name);
      return await this.#keep(name, uri, uri, await this.#openUri(uri));
    });
  }

  list(): KeyEntry[] {
    const { owner, configured } = this.#options;
    const { algorithm, keyId, publicKeyPem } = owner;
    return [
      { name: OWNER_KEY, where: OWNER_KEY, algorithm, keyId, publicKeyPem },
      ...[...this.#own.values()].toSorted((a, b) => (a.name < b.name ? -1 : 1)),
      ...Object.entries(configured).map(([name, { uri }]) => ({ name, where: uri })),
    ];
  }

  /** The public halves of the keys made here: what they sign is ours, whatever the trust configuration adds. */
  trusted(): { readonly name: string; readonly publicKeyPem: string }[] {
    return [...this.#own.values()].flatMap(({ name, publicKeyPem }) =>
      publicKeyPem === undefined || this.#options.taken.has(name) ? [] : [{ name, publicKeyPem }],
    );
  }

  async #openUri(text: string, passphraseFile?: string): Promise<SigningKey> {
    const uri = parseKeyUri(text);
    if (uri.scheme === "file" && passphraseFile !== undefined) {
      return await openKeyFile(filePathOf(uri), passphraseFile);
    }
    return await providerFor(this.#options.providers, uri).open(uri);
  }

  #checkFree(name: string): void {
    const reason = !isKeyName(name) ? "it has other characters" : name === OWNER_KEY ? "it is the owner's" : undefined;
    if (reason !== undefined) throw signingErrors("key.bad-name", { name, reason });
    if (this.#options.taken.has(name)) {
      throw signingErrors("key.bad-name", { name, reason: "the trust configuration gives it to another key" });
    }
    if (this.knows(name)) throw signingErrors("key.exists", { name });
  }

  /** The public half first: a key is there when its own file is. */
  async #keep(name: string, where: string, content: string, key: SigningKey): Promise<KeyEntry> {
    const { directory } = this.#options;
    const path = join(directory, `${name}${where === "file" ? PRIVATE : ADDRESS}`);
    await writeFilesDurably([{ path: join(directory, `${name}${PUBLIC}`), bytes: key.publicKeyPem }]);
    await writeFilesDurably([{ path, bytes: content, mode: 0o600 }]);
    const { algorithm, keyId, publicKeyPem } = key;
    const entry: KeyEntry = { name, where, algorithm, keyId, publicKeyPem };
    this.#own.set(name, entry);
    return entry;
  }
}

type PublicHalf = Pick<KeyEntry, "algorithm" | "keyId" | "publicKeyPem">;

/** From the private half itself; of one that cannot be used, because others may read it say, nothing is trusted. */
async function ownPublicHalf(path: string): Promise<PublicHalf> {
  try {
    const { algorithm, keyId, publicKeyPem } = await openKeyFile(path);
    return { algorithm, keyId, publicKeyPem };
  } catch (error) {
    if (isPratiqueError(error)) return {};
    throw error;
  }
}

async function publicHalf(path: string): Promise<PublicHalf> {
  try {
    const publicKeyPem = await readFile(path, "utf8");
    const key = createPublicKey(publicKeyPem);
    return { publicKeyPem, keyId: keyIdOf(key), algorithm: keyAlgorithmOf(key) };
  } catch (error) {
    // Without it the key can still sign, and is not trusted until its public half is back.
    if (systemCode(error) !== undefined) return {};
    throw signingErrors("key.unusable", { where: path, reason: "it is no public key" }, { cause: error });
  }
}
