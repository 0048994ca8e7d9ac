// What an upstream's tags named when they were last looked up, and which manifests came from it. Survives a restart.
import { digestOf, hexOf, isDigest, Mutex, type Clock, type Digest } from "@pratique/core";
import { Descriptor } from "@pratique/oci";
import { ensureDirectory, writeFileDurably } from "@pratique/store";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";

const ENTRIES_LIMIT = 20_000;
const REPOSITORIES_LIMIT = 500;

const File = z.strictObject({
  version: z.literal(1),
  repository: z.string(),
  tags: z.record(z.string(), z.strictObject({ descriptor: Descriptor, checkedAt: z.number() })),
  manifests: z.array(z.string()),
});

export interface TagCheck {
  readonly descriptor: Descriptor;
  /** Milliseconds since the epoch. */
  readonly checkedAt: number;
}

interface Known {
  readonly tags: Map<string, TagCheck>;
  readonly manifests: Set<Digest>;
  readonly line: Mutex;
}

/** Nothing in it is needed: what is lost is asked for again. */
export class TagChecks {
  readonly #directory: string;
  readonly #clock: Clock;
  readonly #repositories = new Map<string, Promise<Known>>();

  constructor(directory: string, clock: Clock) {
    this.#directory = directory;
    this.#clock = clock;
  }

  async tag(repository: string, tag: string): Promise<TagCheck | undefined> {
    return (await this.#known(repository)).tags.get(tag);
  }

  /** True for a manifest that came from the upstream itself, rather than from somebody here. */
  async isFromUpstream(repository: string, digest: Digest): Promise<boolean> {
    return (await this.#known(repository)).manifests.has(digest);
  }

  async looked(repository: string, tag: string, descriptor: Descriptor): Promise<void> {
    const known = await this.#known(repository);
    const { mediaType, digest, size } = descriptor;
    known.tags.delete(tag);
    known.tags.set(tag, { descriptor: { mediaType, digest, size }, checkedAt: this.#clock.now().getTime() });
    trim(known.tags);
    await this.#save(repository, known);
  }

  async forgetTag(repository: string, tag: string): Promise<void> {
    const known = await this.#known(repository);
    if (known.tags.delete(tag)) await this.#save(repository, known);
  }

  async came(repository: string, digest: Digest): Promise<void> {
    const known = await this.#known(repository);
    if (known.manifests.has(digest)) return;
    known.manifests.add(digest);
    trim(known.manifests);
    await this.#save(repository, known);
  }

  #known(repository: string): Promise<Known> {
    const known = this.#repositories.get(repository) ?? this.#load(repository);
    this.#repositories.delete(repository);
    this.#repositories.set(repository, known);
    trim(this.#repositories, REPOSITORIES_LIMIT);
    return known;
  }

  #path(repository: string): string {
    return join(this.#directory, `${hexOf(digestOf(repository)).slice(0, 40)}.json`);
  }

  async #load(repository: string): Promise<Known> {
    const known: Known = { tags: new Map(), manifests: new Set(), line: new Mutex() };
    let json: unknown;
    try {
      json = JSON.parse(await readFile(this.#path(repository), "utf8"));
    } catch {
      // Missing or damaged: then nothing is known.
      return known;
    }
    const file = File.safeParse(json);
    if (!file.success || file.data.repository !== repository) return known;
    for (const [tag, check] of Object.entries(file.data.tags)) known.tags.set(tag, check);
    for (const digest of file.data.manifests) if (isDigest(digest)) known.manifests.add(digest);
    return known;
  }

  async #save(repository: string, { tags, manifests, line }: Known): Promise<void> {
    await line.run(async () => {
      await ensureDirectory(this.#directory, 0o700);
      const file = { version: 1, repository, tags: Object.fromEntries(tags), manifests: [...manifests] };
      await writeFileDurably(this.#path(repository), JSON.stringify(file));
    });
  }
}

/** The oldest leave first. */
function trim(entries: Map<string, unknown> | Set<unknown>, limit = ENTRIES_LIMIT): void {
  for (const key of entries.keys()) {
    if (entries.size <= limit) return;
    (entries as Set<unknown>).delete(key);
  }
}
