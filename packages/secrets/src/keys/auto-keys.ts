// The back end of a laptop: the keyring of the operating system when there is one, else a key file.
import { join } from "node:path";
import { SingleFlight } from "@pratique/core";
import { ensureDirectory, writeFileDurably } from "@pratique/store";
import { hasKeyring, type OpenEntry } from "./keyring-place.ts";
import type { KeyWrapper, WrappedKey } from "./key-wrapper.ts";
import { readPrivateFile } from "./private-file.ts";

export interface AutoKeysOptions {
  readonly file: KeyWrapper;
  readonly keyring: KeyWrapper;
  /** Where the choice is kept. */
  readonly directory: string;
  readonly account: string;
  readonly openEntry: OpenEntry;
}

type Choice = "keyring" | "file";
const CHOICE = "secrets.backend";

/**
 * Chooses when a secret is first needed, and keeps to it: a keyring that is locked or away today must not make a second
 * ring of keys, under which half of the secrets would lie.
 */
export class AutoKeys implements KeyWrapper {
  readonly #options: AutoKeysOptions;
  readonly #flight = new SingleFlight<KeyWrapper>();
  #chosen: KeyWrapper | undefined;

  constructor(options: AutoKeysOptions) {
    this.#options = options;
  }

  get type(): string {
    return this.#chosen?.type ?? "auto";
  }

  get place(): string {
    return this.#chosen?.place ?? "not chosen before the first secret";
  }

  owns(keyId: string): boolean {
    return this.#options.file.owns(keyId) || this.#options.keyring.owns(keyId);
  }

  async wrap(dataKey: Uint8Array, bound: Uint8Array): Promise<WrappedKey> {
    return await (await this.#choose()).wrap(dataKey, bound);
  }

  /** Each opens its own, whichever wraps now. */
  async unwrap(wrapped: WrappedKey, bound: Uint8Array): Promise<Buffer | undefined> {
    const { file, keyring } = this.#options;
    return await (file.owns(wrapped.keyId) ? file : keyring).unwrap(wrapped, bound);
  }

  async current(): Promise<string> {
    return await (await this.#choose()).current();
  }

  async rotate(): Promise<string> {
    return await (await this.#choose()).rotate();
  }

  async retire(inUse: ReadonlySet<string>): Promise<void> {
    await (await this.#choose()).retire(inUse);
  }

  async recall(): Promise<void> {
    const name = this.#chosen === undefined ? await this.#kept() : undefined;
    if (name !== undefined) this.#chosen = this.#named(name);
  }

  async #choose(): Promise<KeyWrapper> {
    return this.#chosen ?? (await this.#flight.run("", () => this.#look()));
  }

  async #look(): Promise<KeyWrapper> {
    const { directory, account, openEntry } = this.#options;
    const kept = await this.#kept();
    const hasFile = (await readPrivateFile(join(directory, "secrets.json"))) !== undefined;
    const name = kept ?? (!hasFile && (await hasKeyring(account, openEntry)) ? "keyring" : "file");
    if (kept === undefined) {
      await ensureDirectory(directory, 0o700);
      await writeFileDurably(join(directory, CHOICE), `${name}\n`, { mode: 0o600 });
    }
    this.#chosen = this.#named(name);
    return this.#chosen;
  }

  async #kept(): Promise<Choice | undefined> {
    const text = (await readPrivateFile(join(this.#options.directory, CHOICE)))?.toString("utf8").trim();
    return text === "keyring" || text === "file" ? text : undefined;
  }

  #named(name: Choice): KeyWrapper {
    return name === "keyring" ? this.#options.keyring : this.#options.file;
  }
}
