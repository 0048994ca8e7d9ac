// The public keys of an OIDC issuer: from a file, or by discovery (OpenID Connect Discovery 1.0 §4).
import { createLocalJWKSet, type JSONWebKeySet, type JWTVerifyGetKey } from "jose";
import { readBounded, SingleFlight, type Clock } from "@pratique/core";
import { z } from "zod";
import { sigstoreErrors } from "./errors.ts";
import { KeySet } from "./key-set.ts";

const LIMIT_BYTES = 256 * 1024;
const TIMEOUT_MS = 10_000;
/** After this the keys are asked for anew, so that one that was withdrawn stops counting. */
const FRESH_MS = 10 * 60_000;
/** An unknown key id makes us ask again, at most this often: tokens come from anybody. */
const AGAIN_MS = 30_000;

const Discovery = z.looseObject({ issuer: z.string(), jwks_uri: z.url() });

export interface IssuerKeysOptions {
  readonly issuer: string;
  /** The keys, when they are given by file: then the network is never asked. */
  readonly keySet?: JSONWebKeySet | undefined;
  readonly clock: Clock;
}

export class IssuerKeys {
  readonly #options: IssuerKeysOptions;
  readonly #loading = new SingleFlight<JWTVerifyGetKey>();
  #known: { readonly find: JWTVerifyGetKey; readonly at: number } | undefined;

  constructor(options: IssuerKeysOptions) {
    this.#options = options;
  }

  /** Finds the key that a token names. @throws `sigstore.issuer-unreachable`, jose's error for an unknown key */
  readonly find: JWTVerifyGetKey = async (header, token) => {
    const { keySet } = this.#options;
    if (keySet !== undefined) return createLocalJWKSet(keySet)(header, token);
    const known = this.#known;
    if (known !== undefined && this.#age(known.at) < FRESH_MS) {
      try {
        return await known.find(header, token);
      } catch (error) {
        if (this.#age(known.at) < AGAIN_MS) throw error;
      }
    }
    return (await this.#loading.run("keys", () => this.#load()))(header, token);
  };

  #age(at: number): number {
    return this.#options.clock.now().getTime() - at;
  }

  async #load(): Promise<JWTVerifyGetKey> {
    const { issuer } = this.#options;
    const discovery = Discovery.safeParse(
      await this.#get(`${issuer.replace(/\/$/, "")}/.well-known/openid-configuration`),
    );
    if (!discovery.success) throw this.#unreachable("its discovery document has no key address");
    if (discovery.data.issuer !== issuer) throw this.#unreachable("its discovery document is of another issuer");
    if (!mayHoldKeys(discovery.data.jwks_uri, issuer)) throw this.#unreachable("its key address is not https");
    const keys = KeySet.safeParse(await this.#get(discovery.data.jwks_uri));
    if (!keys.success) throw this.#unreachable("its key set cannot be read");
    const find = createLocalJWKSet(keys.data);
    this.#known = { find, at: this.#options.clock.now().getTime() };
    return find;
  }

  async #get(url: string): Promise<unknown> {
    try {
      const response = await fetch(url, {
        redirect: "error",
        headers: { accept: "application/json" },
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
      if (!response.ok || response.body === null) throw new Error(`${url} answers ${response.status}`);
      return JSON.parse((await readBounded(response.body, LIMIT_BYTES)).toString());
    } catch (cause) {
      throw this.#unreachable(cause instanceof Error ? cause.message : String(cause), cause);
    }
  }

  #unreachable(reason: string, cause?: unknown): Error {
    return sigstoreErrors("sigstore.issuer-unreachable", { issuer: this.#options.issuer, reason }, { cause });
  }
}

/** An issuer elsewhere sends nobody to the services of this machine: only one of this machine has its keys there. */
export function mayHoldKeys(address: string, issuer: string): boolean {
  return isSafeAddress(address) && (new URL(address).protocol === "https:" || new URL(issuer).protocol === "http:");
}

/** https, or http on this machine alone. */
export function isSafeAddress(address: string): boolean {
  if (!URL.canParse(address)) return false;
  const { protocol, hostname } = new URL(address);
  return (
    protocol === "https:" || (protocol === "http:" && /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/.test(hostname))
  );
}
