// A key-encryption key that never leaves the transit engine of HashiCorp Vault or OpenBao.
import type { Json } from "@pratique/core";
import { z } from "zod";
import { problemIn, type JsonAnswer } from "../ask-json.ts";
import { secretErrors } from "../errors.ts";
import { KEY_BYTES } from "../seal.ts";
import { askVault, type VaultPlace } from "../vault.ts";
import type { KeyWrapper, WrappedKey } from "./key-wrapper.ts";

const CIPHERTEXT = /^vault:v(\d{1,9}):[A-Za-z0-9+/]+=*$/;
const KeyAnswer = z.looseObject({ data: z.looseObject({ latest_version: z.int().positive() }) });
const EncryptAnswer = z.looseObject({
  data: z.looseObject({ ciphertext: z.string().max(4096).regex(CIPHERTEXT) }),
});
const DecryptAnswer = z.looseObject({ data: z.looseObject({ plaintext: z.base64().max(1024) }) });

/** The key is of the type aes256-gcm96 (Vault's default), since data keys are bound by `associated_data`. */
export class VaultTransit implements KeyWrapper {
  readonly type = "vault";
  readonly place: string;
  readonly #vault: VaultPlace;
  readonly #key: string;

  constructor(vault: VaultPlace, key: string) {
    this.#vault = vault;
    this.#key = key;
    this.place = `the transit key ${key} at ${URL.parse(vault.address)?.host ?? "an address that is none"}`;
  }

  owns(keyId: string): boolean {
    return keyId.startsWith(this.#prefix);
  }

  async current(): Promise<string> {
    const answer = await this.#ask("GET", `keys/${this.#key}`);
    // An engine that is not mounted answers 404 too, and says so.
    if (answer.status === 404 && problemIn(answer) === "status 404") {
      const made = await this.#ask("POST", `keys/${this.#key}`, { type: "aes256-gcm96", exportable: false });
      if (made.status !== 200 && made.status !== 204) throw this.#refused(made);
      return `${this.#prefix}1`;
    }
    return `${this.#prefix}${this.#parse(KeyAnswer, answer).data.latest_version}`;
  }

  async wrap(dataKey: Uint8Array, bound: Uint8Array): Promise<WrappedKey> {
    const body = { plaintext: base64(dataKey), associated_data: base64(bound) };
    let answer = await this.#ask("POST", `encrypt/${this.#key}`, body);
    if (answer.status === 400 || answer.status === 404) {
      // Encrypting with a key that is not there makes one for tokens that may; for others it is made by name.
      await this.current();
      answer = await this.#ask("POST", `encrypt/${this.#key}`, body);
    }
    const { ciphertext } = this.#parse(EncryptAnswer, answer).data;
    return { keyId: `${this.#prefix}${CIPHERTEXT.exec(ciphertext)?.[1]}`, wrappedKey: ciphertext };
  }

  async unwrap({ wrappedKey }: WrappedKey, bound: Uint8Array): Promise<Buffer | undefined> {
    if (!CIPHERTEXT.test(wrappedKey)) return undefined;
    const body = { ciphertext: wrappedKey, associated_data: base64(bound) };
    const answer = await this.#ask("POST", `decrypt/${this.#key}`, body);
    // What does not authenticate is a bad request to Vault, as is a version that is no longer kept.
    if (answer.status === 400) return undefined;
    const key = Buffer.from(this.#parse(DecryptAnswer, answer).data.plaintext, "base64");
    return key.byteLength === KEY_BYTES ? key : undefined;
  }

  async rotate(): Promise<string> {
    await this.current();
    const answer = await this.#ask("POST", `keys/${this.#key}/rotate`, {});
    if (answer.status !== 200 && answer.status !== 204) throw this.#refused(answer);
    return await this.current();
  }

  /** Which versions are given up is the engine's own rule (`min_decryption_version`). */
  async retire(): Promise<void> {}

  get #prefix(): string {
    return `vault:${this.#vault.mount}/${this.#key}:v`;
  }

  async #ask(method: "GET" | "POST", path: string, body?: Json): Promise<JsonAnswer> {
    try {
      return await askVault(this.#vault, method, path, body);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw secretErrors("secrets.keys-unreachable", { place: this.place, reason }, { cause: error });
    }
  }

  #parse<T>(schema: z.ZodType<T>, answer: JsonAnswer): T {
    const parsed = answer.status === 200 ? schema.safeParse(answer.body) : undefined;
    if (parsed?.success !== true) throw this.#refused(answer);
    return parsed.data;
  }

  #refused(answer: JsonAnswer): Error {
    const code = answer.status >= 500 ? "secrets.keys-unreachable" : "secrets.keys-unusable";
    return secretErrors(code, { place: this.place, reason: problemIn(answer) });
  }
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("base64");
}
