// What every repository holds, and how much more it may take. The disk is the truth: counted when first asked for.
import type { HousekeepingConfig, QuotaUsage } from "@pratique/contracts";
import { SingleFlight, type Digest } from "@pratique/core";
import type { ContentStore, RepositoryChange } from "@pratique/oci";
import { registryErrors } from "../errors.ts";
import { fitsRepository } from "../pattern.ts";

type Quota = HousekeepingConfig["quotas"][number];
type Step = { readonly digest: Digest; readonly size: number | undefined };

export interface Excess {
  readonly repository: string;
  readonly what: "bytes" | "tags" | "manifests";
  readonly used: number;
  readonly limit: number;
  readonly asked: number;
}

/** One repository under a quota. */
interface Account {
  readonly sizes: Map<Digest, number>;
  usedBytes: number;
  readonly reserved: Map<string, number>;
  reservedBytes: number;
  /** What uploads say that they will be. */
  readonly claims: Map<string, Digest>;
  /** What changed while the disk was read. */
  steps: Step[] | undefined;
}

export class QuotaLedger {
  readonly #quotas: readonly Quota[];
  readonly #accounts = new Map<string, Account>();
  readonly #counting = new SingleFlight<void>();
  readonly #onExcess: (excess: Excess) => void;
  #store: ContentStore | undefined;

  constructor(quotas: readonly Quota[], onExcess: (excess: Excess) => void) {
    this.#quotas = quotas;
    this.#onExcess = onExcess;
  }

  /** The store whose observer this is; to be called before anything is stored. */
  watch(store: ContentStore): void {
    this.#store = store;
  }

  quotaOf(repository: string): Quota | undefined {
    return this.#quotas.find((quota) => fitsRepository(quota.repository, repository));
  }

  /** Counts the repository, unless that was done. */
  async ready(repository: string): Promise<void> {
    if (this.quotaOf(repository)?.bytes === undefined) return;
    const account = this.#accounts.get(repository);
    if (account !== undefined && account.steps === undefined) return;
    await this.#counting.run(repository, () => this.#count(repository));
  }

  async #count(repository: string): Promise<void> {
    const account: Account = {
      sizes: new Map(),
      usedBytes: 0,
      reserved: new Map(),
      reservedBytes: 0,
      claims: new Map(),
      steps: [],
    };
    this.#accounts.set(repository, account);
    try {
      const blobs = (await this.#store?.repository(repository).blobs()) ?? [];
      for (const { digest, size } of blobs) put(account, digest, size);
      for (const { digest, size } of account.steps ?? []) put(account, digest, size);
      account.steps = undefined;
    } catch (error) {
      this.#accounts.delete(repository);
      throw error;
    }
  }

  /**
   * Room for an upload that is (or will be) so long. What it holds is set aside until `ended`, so that uploads at the
   * same time cannot together take more than there is. @throws `registry.quota-exceeded`
   */
  reserve(repository: string, upload: string, sizeBytes: number): void {
    const account = this.#accounts.get(repository);
    const limit = this.quotaOf(repository)?.bytes;
    if (account === undefined || limit === undefined) return;
    const before = account.reserved.get(upload) ?? 0;
    const claim = account.claims.get(upload);
    const asked = sizeBytes - ((claim === undefined ? undefined : account.sizes.get(claim)) ?? 0);
    if (asked <= before) return;
    const others = account.usedBytes + account.reservedBytes - before;
    if (others + asked > limit) {
      this.#refuse({ repository, what: "bytes", used: account.usedBytes, limit, asked });
    }
    set(account, upload, asked);
  }

  /**
   * A request begins, after which the upload is (or will be) so long; what earlier ones announced and did not send is
   * given back. One that is to become `digest` needs no room for a blob that is there already.
   * @throws `registry.quota-exceeded`
   */
  announce(repository: string, upload: string, sizeBytes: number, digest?: Digest): void {
    const account = this.#accounts.get(repository);
    if (account === undefined) return;
    if (digest === undefined) account.claims.delete(upload);
    else account.claims.set(upload, digest);
    const before = account.reserved.get(upload) ?? 0;
    set(account, upload, 0);
    try {
      this.reserve(repository, upload, sizeBytes);
    } catch (error) {
      set(account, upload, before);
      throw error;
    }
  }

  ended(repository: string, upload: string): void {
    const account = this.#accounts.get(repository);
    if (account === undefined) return;
    set(account, upload, 0);
    account.claims.delete(upload);
  }

  stored(repository: string, digest: Digest, size: number): void {
    this.#step(repository, { digest, size });
  }

  released(repository: string, digest: Digest): void {
    this.#step(repository, { digest, size: undefined });
  }

  #step(repository: string, step: Step): void {
    const account = this.#accounts.get(repository);
    if (account === undefined) return;
    if (account.steps !== undefined) account.steps.push(step);
    else put(account, step.digest, step.size);
  }

  /** Counts of tags and manifests; a change that adds none is never refused. @throws `registry.quota-exceeded` */
  admit({ repository, tags, added, tagCount, manifestCount }: RepositoryChange): void {
    const quota = this.quotaOf(repository);
    if (quota === undefined) return;
    const newTags = tags.filter(({ from }) => from === undefined).length;
    if (quota.tags !== undefined && newTags > 0 && tagCount > quota.tags) {
      this.#refuse({ repository, what: "tags", used: tagCount - newTags, limit: quota.tags, asked: newTags });
    }
    if (quota.manifests !== undefined && added.length > 0 && manifestCount > quota.manifests) {
      const used = manifestCount - added.length;
      this.#refuse({ repository, what: "manifests", used, limit: quota.manifests, asked: added.length });
    }
  }

  #refuse(excess: Excess): never {
    this.#onExcess(excess);
    const { repository, what, used, limit, asked } = excess;
    throw registryErrors(
      "registry.quota-exceeded",
      { repository, what, used, limit, asked },
      { details: { repository, what, used, limit } },
    );
  }

  async usage(repository: string): Promise<QuotaUsage> {
    const quota = this.quotaOf(repository);
    const of = this.#store?.repository(repository);
    await this.ready(repository);
    const known = this.#accounts.get(repository)?.usedBytes;
    const bytes = known ?? ((await of?.blobs()) ?? []).reduce((sum, { size }) => sum + size, 0);
    const amount = (used: number, limit: number | undefined) => ({ used, ...(limit === undefined ? {} : { limit }) });
    return {
      repository,
      ...(quota === undefined ? {} : { quota: quota.repository }),
      bytes: amount(bytes, quota?.bytes),
      tags: amount(((await of?.tags()) ?? []).length, quota?.tags),
      manifests: amount(((await of?.manifests()) ?? []).length, quota?.manifests),
    };
  }
}

function set(account: Account, upload: string, sizeBytes: number): void {
  account.reservedBytes += sizeBytes - (account.reserved.get(upload) ?? 0);
  if (sizeBytes === 0) account.reserved.delete(upload);
  else account.reserved.set(upload, sizeBytes);
}

function put(account: Account, digest: Digest, size: number | undefined): void {
  account.usedBytes += (size ?? 0) - (account.sizes.get(digest) ?? 0);
  if (size === undefined) account.sizes.delete(digest);
  else account.sizes.set(digest, size);
}
