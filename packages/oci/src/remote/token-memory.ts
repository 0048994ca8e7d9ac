// What registries asked for and gave, for those who come again: by registry and by who is known there.
import { digestOf } from "@pratique/core";
import type { Challenge } from "./challenge.ts";
import type { Credentials } from "./credentials.ts";

export interface Token {
  readonly value: string;
  readonly expiresAt: number;
}

export interface RememberedTokens {
  /** How the registry wants to be answered. */
  challenge: Challenge | undefined;
  /** By scope. */
  readonly tokens: Map<string, Token>;
}

const PLACES = 100;

/** In memory only. Tokens belong to the credentials that they were given for: whoever has others finds none. */
export class TokenMemory {
  readonly #places = new Map<string, RememberedTokens>();

  of(registry: string, credentials: Credentials | undefined): RememberedTokens {
    const key = `${registry} ${digestOf(JSON.stringify(credentials ?? null))}`;
    const known = this.#places.get(key) ?? { challenge: undefined, tokens: new Map<string, Token>() };
    // The one used last stands last, so that the first is the one to go.
    this.#places.delete(key);
    this.#places.set(key, known);
    for (const oldest of this.#places.keys()) {
      if (this.#places.size <= PLACES) break;
      this.#places.delete(oldest);
    }
    return known;
  }
}
