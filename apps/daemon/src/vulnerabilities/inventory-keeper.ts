// Keeps the inventory as the registry's content changes: every change is an event before it happens, so that after a
// crash the events say what is still to be looked at.
import { setImmediate as turn } from "node:timers/promises";
import { describeError, isDigest, Mutex, parseJson, SingleFlight, type Digest, type Log } from "@pratique/core";
import type { Trust } from "@pratique/evidence";
import type { ContentStore, Descriptor, LocalRepository, ManifestFacts } from "@pratique/oci";
import { kindOfManifest } from "@pratique/packaging";
import type { RegistryEventRow, RegistryJournal } from "@pratique/store";
import type { Inventory, InventoryEntry, InventoryUpdate } from "@pratique/vulnerabilities";
import { listArtifact } from "./list-artifact.ts";

export interface InventoryKeeperOptions {
  readonly inventory: Inventory;
  readonly store: ContentStore;
  readonly journal: Pick<RegistryJournal, "events" | "highestEvent">;
  /** Events seen so far are written when it resolves. */
  readonly flush: () => Promise<void>;
  readonly trust: Trust;
  /** Names how lists are made; with another all are made anew. */
  readonly maker: string;
  readonly log: Log;
}

const SEQUENCE = "sequence";
const MAKER = "maker";
const EVENTS_AT_ONCE = 500;
/** Artifacts whose lists are written together. */
const ENTRIES_AT_ONCE = 16;
const SOON_MS = 100;
const LIST_OF_REFERRERS = /^sha(?:256-[0-9a-f]{64}|512-[0-9a-f]{64,128})(?:\.\w+)?$/;

type Touched = { readonly digests: Set<Digest>; readonly tags: Set<string> };

export class InventoryKeeper {
  readonly #options: InventoryKeeperOptions;
  readonly #line = new Mutex();
  readonly #listing = new SingleFlight<void>();
  readonly #closing = new AbortController();
  #timer: NodeJS.Timeout | undefined;
  #work: Promise<void> = Promise.resolve();
  #isStarted = false;

  constructor(options: InventoryKeeperOptions) {
    this.#options = options;
  }

  /** Catches up in the background; what changes from now on is looked at too. */
  start(): void {
    this.#isStarted = true;
    this.wake();
  }

  /** Something may have changed. */
  wake(): void {
    if (!this.#isStarted || this.#closing.signal.aborted) return;
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#work = this.settled().catch((error: unknown) => {
        if (!this.#closing.signal.aborted) this.#options.log.error("the inventory is behind", describeError(error));
      });
    }, SOON_MS).unref();
  }

  /** Everything that happened until now is in the inventory when it resolves. */
  settled(): Promise<void> {
    return this.#line.run(() => this.#catchUp());
  }

  /** One artifact is in the inventory when it resolves, whatever else is still to be looked at. */
  async ensure(name: string, digest: Digest): Promise<void> {
    const { inventory, store } = this.#options;
    if ((await inventory.table.artifact(name, digest)) !== undefined) return;
    await this.#listing.run(`${name}@${digest}`, async () => {
      const repository = store.repository(name);
      const facts = await factsByDigest(repository);
      const wanted = [digest, ...(facts.get(digest)?.isIndex === true ? (facts.get(digest)?.content ?? []) : [])];
      await this.#look(repository, { digests: new Set(wanted), tags: new Set() }, facts);
    });
  }

  async #catchUp(): Promise<void> {
    const { inventory, journal, flush, maker, log } = this.#options;
    await flush();
    const known = await this.#cursor();
    let at = known ?? (await journal.highestEvent());
    if (known === undefined) {
      log.info("the inventory of packages is made anew");
      await this.#lookAtAll();
      await inventory.keep({ state: { [SEQUENCE]: String(at), [MAKER]: maker } });
    }
    for (;;) {
      const rows = await journal.events({ after: at, limit: EVENTS_AT_ONCE });
      const last = rows.at(-1);
      if (last === undefined) return;
      for (const [name, touched] of touchedBy(rows)) {
        const repository = this.#options.store.repository(name);
        await this.#look(repository, touched, await factsByDigest(repository));
      }
      at = last.sequence;
      await inventory.keep({ state: { [SEQUENCE]: String(at) } });
    }
  }

  /** Undefined when nobody knows which events the inventory has seen, or other ones are to be looked at anew. */
  async #cursor(): Promise<number | undefined> {
    const { inventory, journal, maker } = this.#options;
    const text = await inventory.table.state(SEQUENCE);
    if (text === undefined || (await inventory.table.state(MAKER)) !== maker) return undefined;
    const at = Number(text);
    const [oldest] = await journal.events({ limit: 1 });
    const highest = await journal.highestEvent();
    // A journal that was trimmed past it, or that is another one.
    return at > highest || (oldest !== undefined && oldest.sequence > at + 1) ? undefined : at;
  }

  async #lookAtAll(): Promise<void> {
    const { inventory, store, log } = this.#options;
    const names = new Set([...(await store.repositories()), ...(await inventory.table.repositories())]);
    for (const name of names) {
      this.#closing.signal.throwIfAborted();
      const repository = store.repository(name);
      try {
        const facts = await factsByDigest(repository);
        const rows = await inventory.table.artifactsIn(name);
        const digests = [...facts.keys(), ...rows.map(({ digest }) => digest).filter(isDigest)];
        const tags = [...(await repository.tags()), ...(await inventory.table.tagsIn(name)).map(({ tag }) => tag)];
        await this.#look(repository, { digests: new Set(digests), tags: new Set(tags) }, facts);
      } catch (error) {
        this.#closing.signal.throwIfAborted();
        log.error("a repository is not in the inventory", { repository: name, ...describeError(error) });
      }
    }
  }

  async #look(
    repository: LocalRepository,
    { digests, tags }: Touched,
    facts: ReadonlyMap<Digest, ManifestFacts>,
  ): Promise<void> {
    const { inventory } = this.#options;
    const { name } = repository;
    const gone = [...digests].filter((digest) => !facts.has(digest));
    const wanted = new Set([...digests].flatMap((digest) => subjectsOf(digest, facts)));
    for (const subject of await this.#subjectsOfGone(name, gone)) if (facts.has(subject)) wanted.add(subject);
    const moves = await Promise.all(
      [...tags].filter((tag) => !LIST_OF_REFERRERS.test(tag)).map((tag) => tagNow(repository, tag)),
    );
    let update: InventoryUpdate = { gone: gone.map((digest) => ({ repository: name, digest })), tags: moves };
    const entries: InventoryEntry[] = [];
    for (const digest of wanted) {
      this.#closing.signal.throwIfAborted();
      const entry = await this.#entry(repository, facts.get(digest)!, facts);
      if (entry !== undefined) entries.push(entry);
      if (entries.length < ENTRIES_AT_ONCE) continue;
      await inventory.keep({ ...update, entries: entries.splice(0) });
      update = {};
      await turn();
    }
    await inventory.keep({ ...update, entries });
  }

  async #entry(
    repository: LocalRepository,
    { descriptor, isIndex, content }: ManifestFacts,
    facts: ReadonlyMap<Digest, ManifestFacts>,
  ): Promise<InventoryEntry | undefined> {
    const { trust, maker } = this.#options;
    const at = { repository: repository.name, digest: descriptor.digest };
    if (isIndex) {
      // What refers to something else is a statement about it, and no part of the index.
      const members = [...content].filter((digest) => facts.get(digest)?.subject === undefined);
      if (content.size > 0 && members.length === 0) return undefined;
      return { ...at, kind: "index", listing: undefined, members };
    }
    const kind = await kindOf(repository, descriptor);
    if (kind === undefined) return undefined;
    const listed = await listArtifact(repository, descriptor, { trust, maker, signal: this.#closing.signal });
    return { ...at, kind, members: [], ...listed };
  }

  /** A bill of materials that was deleted counts no longer. */
  async #subjectsOfGone(name: string, gone: readonly Digest[]): Promise<Digest[]> {
    const subjects: string[] = [];
    for (const digest of gone) subjects.push(...(await this.#options.inventory.table.artifactsListedBy(name, digest)));
    return subjects.filter(isDigest);
  }

  async close(): Promise<void> {
    this.#closing.abort();
    clearTimeout(this.#timer);
    await this.#work;
    await this.#line.run(() => undefined);
  }
}

/** The artifact itself; of a referrer, what it refers to. */
function subjectsOf(digest: Digest, facts: ReadonlyMap<Digest, ManifestFacts>): Digest[] {
  const found = facts.get(digest);
  if (found === undefined) return [];
  if (found.subject === undefined) return [digest];
  return facts.has(found.subject) ? [found.subject] : [];
}

async function factsByDigest(repository: LocalRepository): Promise<Map<Digest, ManifestFacts>> {
  return new Map((await repository.manifests()).map((facts) => [facts.descriptor.digest, facts]));
}

async function tagNow(repository: LocalRepository, tag: string) {
  const descriptor = await repository.resolve(tag);
  return { repository: repository.name, tag, digest: descriptor?.digest ?? null };
}

async function kindOf(repository: LocalRepository, descriptor: Descriptor): Promise<string | undefined> {
  const manifest = await repository.manifest(descriptor.digest);
  return manifest === undefined ? undefined : kindOfManifest(manifest);
}

function touchedBy(rows: readonly RegistryEventRow[]): Map<string, Touched> {
  const found = new Map<string, Touched>();
  for (const { repository, body } of rows) {
    if (repository === null) continue;
    const touched = found.get(repository) ?? { digests: new Set(), tags: new Set() };
    const { data } = parseJson(body) as { data?: Record<string, unknown> };
    const { digest, tag } = data ?? {};
    if (typeof digest === "string" && isDigest(digest)) touched.digests.add(digest);
    if (typeof tag === "string") touched.tags.add(tag);
    if (touched.digests.size + touched.tags.size > 0) found.set(repository, touched);
  }
  return found;
}
