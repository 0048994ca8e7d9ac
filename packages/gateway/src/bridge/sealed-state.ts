// A requestState that only this gateway can have made: AEAD over what it is good for (2026-07-28, Multi Round-Trip Requests).
import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from "node:crypto";
import { isJsonObject, type JsonObject } from "@pratique/core";
import { gatewayErrors } from "../errors.ts";
import { STATE_LIMIT_BYTES } from "../front/front-limits.ts";

const VERSION = "p1.";
const KEY_BYTES = 32;
const SALT_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const INFO = "pratique mcp request state v1";

export class StateSeal {
  readonly #key: Uint8Array;

  /** Replicas that share the key can open each other's states. */
  constructor(key: Uint8Array = randomBytes(KEY_BYTES)) {
    if (key.length !== KEY_BYTES) throw new TypeError(`a state key has ${KEY_BYTES} bytes`);
    this.#key = Uint8Array.from(key);
  }

  seal(state: JsonObject): string {
    const salt = randomBytes(SALT_BYTES);
    const { key, nonce } = this.#derive(salt);
    const cipher = createCipheriv("aes-256-gcm", key, nonce);
    const body = Buffer.concat([cipher.update(JSON.stringify(state), "utf8"), cipher.final()]);
    return VERSION + Buffer.concat([salt, body, cipher.getAuthTag()]).toString("base64url");
  }

  /** @throws `gateway.state-invalid` */
  open(sealed: unknown): JsonObject {
    const state = typeof sealed === "string" && sealed.length <= STATE_LIMIT_BYTES * 2 ? this.#open(sealed) : undefined;
    if (state === undefined) throw gatewayErrors("gateway.state-invalid");
    return state;
  }

  #open(sealed: string): JsonObject | undefined {
    if (!sealed.startsWith(VERSION)) return undefined;
    const text = sealed.slice(VERSION.length);
    const bytes = Buffer.from(text, "base64url");
    // The last character has bits that decoding drops: a state has one form only.
    if (bytes.length <= SALT_BYTES + TAG_BYTES || bytes.toString("base64url") !== text) return undefined;
    const { key, nonce } = this.#derive(bytes.subarray(0, SALT_BYTES));
    const decipher = createDecipheriv("aes-256-gcm", key, nonce, { authTagLength: TAG_BYTES });
    decipher.setAuthTag(bytes.subarray(-TAG_BYTES));
    try {
      const body = Buffer.concat([decipher.update(bytes.subarray(SALT_BYTES, -TAG_BYTES)), decipher.final()]);
      const state: unknown = JSON.parse(body.toString("utf8"));
      return isJsonObject(state) ? state : undefined;
    } catch {
      return undefined;
    }
  }

  /** A key for each state: a random nonce under one key would be safe for 2^32 of them only (NIST SP 800-38D §8.3). */
  #derive(salt: Uint8Array): { key: Uint8Array; nonce: Uint8Array } {
    const bytes = new Uint8Array(hkdfSync("sha256", this.#key, salt, INFO, KEY_BYTES + NONCE_BYTES));
    return { key: bytes.subarray(0, KEY_BYTES), nonce: bytes.subarray(KEY_BYTES) };
  }
}
