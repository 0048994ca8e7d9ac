// Turns tokens into text as they come, without breaking a character that spans several tokens.

/** How many tokens of context a detokenizer gets, so that spaces between pieces come out as in the whole text. */
const CONTEXT_TOKENS = 4;
/** A character spans at most a few byte tokens; after that an invalid byte is invalid for good. */
const MAX_PENDING = 8;

/** Incremental text of a token sequence. */
export class TokenText {
  readonly #detokenize: (tokens: readonly number[]) => string;
  #context: number[] = [];
  #pending: number[] = [];

  constructor(detokenize: (tokens: readonly number[]) => string) {
    this.#detokenize = detokenize;
  }

  /** The text that this token completes; empty while a character is unfinished. */
  push(token: number): string {
    this.#pending.push(token);
    const before = this.#detokenize(this.#context);
    const text = this.#detokenize([...this.#context, ...this.#pending]).slice(before.length);
    if (text.endsWith("\uFFFD") && this.#pending.length < MAX_PENDING) return "";
    this.#context = [...this.#context, ...this.#pending].slice(-CONTEXT_TOKENS);
    this.#pending = [];
    return text;
  }

  /** What was held back. */
  end(): string {
    const before = this.#detokenize(this.#context);
    const text = this.#detokenize([...this.#context, ...this.#pending]).slice(before.length);
    this.#pending = [];
    return text;
  }
}
