// The secret guard: looks at every message in both directions, and blocks or redacts as the configuration says.
import type { SecretAction, SecretGuardConfig } from "@pratique/contracts";
import { isJsonObject, type Json, type JsonObject, type Redaction } from "@pratique/core";
import { KnownValues, SecretScanner, type KnownValue } from "@pratique/secret-scan";
import { gatewayErrors } from "../errors.ts";
import type { Screen, Screened, ScreenPlace } from "../exchange/ports.ts";

/** The secrets that the house itself holds; `generation` is another when they are others. */
export interface HeldSecrets {
  readonly generation: number;
  entries(): Iterable<KnownValue>;
}

export interface SecretGuardOptions {
  readonly config: SecretGuardConfig;
  readonly held?: HeldSecrets | undefined;
  /** Fingerprints that a person let through, `KIND:DIGEST` or the digest alone; asked each time. */
  readonly isAllowed?: (fingerprint: string) => boolean;
}

const NOTHING: readonly string[] = [];
const PLACES_LIMIT = 10_000;
/** What is remembered of texts that were let out, each a part of what comes. */
const BEFORE = 400;

export class SecretGuard implements Screen {
  readonly #config: SecretGuardConfig;
  readonly #scanner: SecretScanner;
  readonly #held: HeldSecrets | undefined;
  /** By direction, server and profile. */
  readonly #actions = new Map<string, SecretAction>();
  #known: { readonly generation: number; readonly values: KnownValues } | undefined;

  constructor({ config, held, isAllowed = () => false }: SecretGuardOptions) {
    this.#config = config;
    this.#held = held;
    const configured = new Set(config.allow);
    const isLet = (fingerprint: string): boolean => configured.has(fingerprint) || isAllowed(fingerprint);
    this.#scanner = new SecretScanner({
      isAllowed: ({ kind, digest }) => isLet(`${kind}:${digest}`) || isLet(digest),
      known: () => this.#values(),
    });
  }

  value<T extends Json>(value: T, place: ScreenPlace): Screened<T> {
    const action = this.#actionAt(place);
    if (action === "off") return { value, redactions: NOTHING };
    const found: Redaction[] = [];
    const clean = this.#scanner.redactJson(value, found);
    if (found.length === 0) return { value: clean, redactions: NOTHING };
    const redactions = fingerprints(found);
    if (action === "redact") return { value: clean, redactions };
    const [first = ""] = redactions;
    throw gatewayErrors(
      "gateway.secret-blocked",
      {
        what: place.direction === "to-server" ? `what was sent to ${place.server}` : `what ${place.server} answered`,
        kinds: [...new Set(found.map(({ kind }) => kind))].join(", "),
        fingerprint: first,
      },
      { details: { server: place.server, redactions } },
    );
  }

  forRecord<T extends Json>(value: T): T {
    return this.#scanner.redactJson(value);
  }

  follow(): Screen {
    let before = "";
    return {
      value: <T extends Json>(value: T, place: ScreenPlace): Screened<T> => {
        const screened = this.value(value, place);
        const [key, text] = lastText(screened.value) ?? [];
        if (key === undefined || text === undefined || this.#actionAt(place) === "off") return screened;
        const found: Redaction[] = [];
        const border = this.#scanner.border(before, text, found);
        before = (before + text).slice(-BEFORE);
        if (border === undefined || !isJsonObject(screened.value)) return screened;
        // What came before is out already: without its end it is no secret.
        const mask = `«${found[0]?.kind ?? "secret"}»`;
        const members: JsonObject = screened.value;
        // An object stays an object with the same members.
        const clean = { ...members, [key]: mask + border.after } as unknown as T;
        return { value: clean, redactions: [...screened.redactions, ...fingerprints(found)] };
      },
    };
  }

  #actionAt({ direction, server, profile = "" }: ScreenPlace): SecretAction {
    const key = `${direction} ${server} ${profile}`;
    const known = this.#actions.get(key);
    if (known !== undefined) return known;
    const { servers, profiles } = this.#config;
    const side = direction === "to-server" ? "arguments" : "results";
    const ofServer = Object.hasOwn(servers, server) ? servers[server]?.[side] : undefined;
    const ofProfile = Object.hasOwn(profiles, profile) ? profiles[profile]?.[side] : undefined;
    const action = ofProfile ?? ofServer ?? this.#config[side];
    // Names of profiles come from addresses, of which there is no end.
    if (this.#actions.size >= PLACES_LIMIT) this.#actions.clear();
    this.#actions.set(key, action);
    return action;
  }

  #values(): KnownValues | undefined {
    if (this.#held === undefined) return undefined;
    const { generation } = this.#held;
    if (this.#known?.generation !== generation) {
      const named = [...this.#held.entries()].map(({ name, value }) => ({ name: `secret:${name}`, value }));
      this.#known = { generation, values: new KnownValues(named) };
    }
    return this.#known.values;
  }
}

/** The text that a notification tells, and its key: of progress, and of logs. */
function lastText(value: Json): readonly [key: string, text: string] | undefined {
  if (!isJsonObject(value)) return undefined;
  for (const key of ["message", "data"]) {
    const text = value[key];
    if (typeof text === "string") return [key, text];
  }
  return undefined;
}

/** Each once. */
function fingerprints(found: readonly Redaction[]): string[] {
  return [...new Set(found.map(({ kind, digest }) => `${kind}:${digest}`))];
}
