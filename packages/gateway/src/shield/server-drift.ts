// The drift guard: holds servers and tools that are not what was approved, until a person has seen the difference.
import type { DriftConfig, ServerReview, ToolReview } from "@pratique/contracts";
import type { Clock, JsonObject } from "@pratique/core";
import { gatewayErrors } from "../errors.ts";
import type { DriftGuard } from "../exchange/ports.ts";
import type { ServerFacts } from "../exchange/upstream-port.ts";
import type { ServerDefinition } from "../server-definition.ts";
import { differenceLines } from "./difference.ts";
import { pinKey, wordsDigest, wordsOf, type Pin, type ServerWords } from "./pin.ts";
import { judge, type DriftRules, type Verdict } from "./verdict.ts";

/** Something that a record should tell. */
export interface DriftEvent {
  readonly type: "pinned" | "held";
  readonly server: string;
  readonly digest: string;
  /** Names of tools; `*`: the server itself. */
  readonly what: readonly string[];
}

export interface ServerDriftOptions {
  readonly config: DriftConfig;
  readonly clock: Clock;
  /** As they were kept, by key. */
  readonly pins: Iterable<readonly [string, Pin]>;
  /** Keeps one; approvals go on only when it has resolved. */
  keep(key: string, pin: Pin): Promise<void>;
  /** A pin that was made at first use could not be kept, or was; a server is held now. Never throws. */
  tell(event: DriftEvent, kept: Promise<void> | undefined): void;
}

interface Seen {
  readonly definition: ServerDefinition;
  readonly words: ServerWords;
  readonly digest: string;
  readonly verdict: Verdict;
}

interface Known {
  readonly facts: ServerFacts;
  readonly definition: ServerDefinition;
  readonly generation: number;
  readonly held: ReadonlyMap<string, string>;
}

const NOTHING_HELD: ReadonlyMap<string, string> = new Map();

export class ServerDrift implements DriftGuard {
  readonly #options: ServerDriftOptions;
  readonly #pins: Map<string, Pin>;
  /** By key, as last heard. */
  readonly #seen = new Map<string, Seen>();
  readonly #known = new WeakMap<readonly JsonObject[], Known>();
  /** Grows with each approval: what was worked out before counts no longer. */
  #generation = 0;

  constructor(options: ServerDriftOptions) {
    this.#options = options;
    this.#pins = new Map(options.pins);
  }

  held(definition: ServerDefinition, facts: ServerFacts, tools: readonly JsonObject[]): ReadonlyMap<string, string> {
    const known = this.#known.get(tools);
    if (known?.facts === facts && known.definition === definition && known.generation === this.#generation) {
      return known.held;
    }
    const held = this.#look(definition, wordsOf(definition, facts, tools));
    this.#known.set(tools, { facts, definition, generation: this.#generation, held });
    return held;
  }

  /** All servers that were seen or approved, by name. */
  reviews(): ServerReview[] {
    const seen = [...this.#seen].map(([key, one]) => reviewOf(one, this.#pins.get(key)));
    const unseen = [...this.#pins].filter(([key]) => !this.#seen.has(key) && !key.includes("@"));
    return [...seen, ...unseen.map(([key, pin]) => unseenReview(key, pin))].toSorted((a, b) =>
      a.server < b.server ? -1 : 1,
    );
  }

  /** @throws `gateway.unknown-server` */
  review(server: string): ServerReview {
    const found = this.reviews().findLast((one) => one.server === server);
    if (found === undefined) throw gatewayErrors("gateway.unknown-server", { server });
    return found;
  }

  /**
   * Takes what a server says now as approved, when it is still what the person has read.
   * @throws `gateway.unknown-server`, `gateway.review-outdated`
   */
  async approve(server: string, digest: string, by: string): Promise<{ readonly tools: number }> {
    const [key, seen] = this.#current(server, digest);
    const origin = seen.definition.approved?.origin;
    const at = this.#options.clock.now().toISOString();
    const pin: Pin = { ...seen.words, baseline: "person", by, at, ...(origin === undefined ? {} : { origin }) };
    await this.#options.keep(key, pin);
    this.#pins.set(key, pin);
    this.#generation++;
    this.#look(seen.definition, seen.words);
    return { tools: Object.keys(pin.tools).length };
  }

  /** @throws `gateway.unknown-server`, `gateway.review-outdated` */
  requireCurrent(server: string, digest: string): void {
    this.#current(server, digest);
  }

  #current(server: string, digest: string): readonly [string, Seen] {
    // The one that was heard last, where several images of a name were.
    const found = [...this.#seen].findLast(([, one]) => one.definition.name === server);
    if (found === undefined) throw gatewayErrors("gateway.unknown-server", { server });
    if (found[1].digest !== digest) throw gatewayErrors("gateway.review-outdated", { server });
    return found;
  }

  #look(definition: ServerDefinition, words: ServerWords): ReadonlyMap<string, string> {
    const key = pinKey(definition);
    const pin = this.#pinOf(key, definition);
    const { approved } = definition;
    const catalog = approved === undefined || approved.tools.length === 0 ? undefined : approved;
    const rules = this.#rulesFor(definition.name);
    const verdict = judge(words, { pin, catalog }, rules, this.#othersThan(key));
    const digest = wordsDigest(words);
    const before = this.#seen.get(key);
    this.#seen.delete(key);
    this.#seen.set(key, { definition, words, digest, verdict });
    if (catalog !== undefined || rules.firstUse === "trust") this.#pinFirstUse(key, definition, words, verdict, digest);
    const held = heldIn(verdict);
    if (held.size > 0 && before?.digest !== digest) {
      this.#options.tell({ type: "held", server: definition.name, digest, what: [...held.keys()] }, undefined);
    }
    return held;
  }

  /** An approval made under another catalog is none: the list that names the server has changed. */
  #pinOf(key: string, { approved }: ServerDefinition): Pin | undefined {
    const pin = this.#pins.get(key);
    return pin === undefined || pin.origin === approved?.origin ? pin : undefined;
  }

  #pinFirstUse(key: string, definition: ServerDefinition, words: ServerWords, verdict: Verdict, digest: string): void {
    const pin = this.#pinOf(key, definition);
    const { name: server, approved } = definition;
    if (pin !== undefined && verdict.trusted.length === 0) return;
    if (this.#pins.get(key)?.baseline === "person" || (pin === undefined && verdict.held !== undefined)) return;
    const added = Object.fromEntries(verdict.trusted.map((name) => [name, words.tools[name] ?? {}]));
    const at = this.#options.clock.now().toISOString();
    const origin = approved === undefined ? {} : { origin: approved.origin };
    const base = pin ?? { ...words, baseline: "first-use" as const, at, ...origin };
    const next: Pin = { ...base, tools: { ...pin?.tools, ...added } };
    this.#pins.set(key, next);
    const kept = this.#options.keep(key, next);
    this.#options.tell({ type: "pinned", server, digest, what: verdict.trusted }, kept);
  }

  #rulesFor(server: string): DriftRules {
    const { config } = this.#options;
    const own = Object.hasOwn(config.servers, server) ? config.servers[server] : undefined;
    return {
      firstUse: own?.firstUse ?? config.firstUse,
      change: own?.change ?? config.change,
      findings: own?.findings ?? config.findings,
    };
  }

  /** Names of tools of other servers. */
  #othersThan(key: string): Set<string> {
    const names = new Set<string>();
    for (const [other, { words }] of this.#seen) {
      if (other !== key) for (const name of Object.keys(words.tools)) names.add(name);
    }
    return names;
  }
}

function heldIn({ held, tools }: Verdict): ReadonlyMap<string, string> {
  const entries = tools.flatMap((tool): [string, string][] =>
    tool.held === undefined ? [] : [[tool.name, tool.held]],
  );
  if (held !== undefined) entries.push(["*", held]);
  return entries.length === 0 ? NOTHING_HELD : new Map(entries);
}

function reviewOf({ definition, words, digest, verdict }: Seen, pin: Pin | undefined): ServerReview {
  const isWarned =
    verdict.lines.length > 0 || verdict.tools.some(({ state }) => state === "changed" || state === "new");
  const isHeld = verdict.held !== undefined || verdict.tools.some(({ held }) => held !== undefined);
  return {
    server: definition.name,
    state: isHeld ? "held" : isWarned ? "warned" : "approved",
    baseline: verdict.baseline === "none" && pin !== undefined ? pin.baseline : verdict.baseline,
    ...(pin?.by === undefined ? {} : { by: pin.by }),
    ...(pin === undefined ? {} : { at: pin.at }),
    digest,
    lines: [...verdict.lines],
    findings: [...verdict.findings],
    tools: verdict.tools.map((tool): ToolReview => {
      const is = Object.hasOwn(words.tools, tool.name) ? words.tools[tool.name] : undefined;
      const isShown = tool.state !== "same" || tool.held !== undefined;
      return {
        name: tool.name,
        state: tool.state,
        isHeld: tool.held !== undefined || verdict.held !== undefined,
        lines: isShown ? differenceLines(tool.state === "same" ? undefined : tool.was, is) : [],
        findings: [...tool.findings],
      };
    }),
  };
}

function unseenReview(server: string, { baseline, by, at, tools }: Pin): ServerReview {
  return {
    server,
    state: "unseen",
    baseline,
    ...(by === undefined ? {} : { by }),
    at,
    lines: [],
    findings: [],
    tools: Object.keys(tools).map((name) => ({ name, state: "same", isHeld: false, lines: [], findings: [] })),
  };
}
