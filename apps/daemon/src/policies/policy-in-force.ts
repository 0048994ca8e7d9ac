// The policy set in force: the default policies, or a directory's, and the packs beside them. Exchanged as a whole.
import { access } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import type { Config } from "@pratique/contracts";
import type { PolicySet } from "@pratique/policy";
import { daemonErrors } from "../errors.ts";
import { packNameOf, readPolicySet } from "../policy-files.ts";
import { PACK_NAME, readPack, type PolicyPack } from "./policy-pack.ts";

/** Where policies lie for a state directory. */
export interface PolicyPlaces {
  /** The policies without packs. */
  readonly directory: string;
  /** Packs that come along. */
  readonly shipped: string;
  /** The owner's own copies, which win over those that come along. */
  readonly own: string;
  /** Paths in the configuration are relative to it. */
  readonly configFile: string;
}

export function policyPlaces(
  config: Config["policy"],
  home: { readonly directory: string; readonly configFile: string },
  installation: string,
): PolicyPlaces {
  const shipped = join(installation, "policies");
  return {
    directory: config.directory ?? shipped,
    shipped: join(shipped, "packs"),
    own: join(home.directory, "policy-packs"),
    configFile: home.configFile,
  };
}

/** A pack as the configuration names it: by name, by directory, or by a reference with a digest. */
export function isPackReference(entry: string): boolean {
  return !PACK_NAME.test(entry) && !/^\.{0,2}\//.test(entry);
}

async function exists(path: string): Promise<boolean> {
  return await access(path).then(
    () => true,
    () => false,
  );
}

/** Reads a pack by name or directory. @throws `policy.bad-pack`, `policy.unknown-pack` */
export async function findPack(places: PolicyPlaces, entry: string): Promise<PolicyPack> {
  if (!PACK_NAME.test(entry)) {
    const directory = resolve(dirname(places.configFile), entry);
    return await readPack(directory, packNameOf(directory));
  }
  for (const folder of [places.own, places.shipped]) {
    const directory = join(folder, entry);
    if (await exists(directory)) return await readPack(directory, entry);
  }
  throw daemonErrors("policy.unknown-pack", { pack: entry });
}

/** The packs that need no registry to be read. @throws `policy.bad-pack`, `policy.unknown-pack` */
export async function findLocalPacks(places: PolicyPlaces, entries: readonly string[]): Promise<PolicyPack[]> {
  return await Promise.all(entries.filter((entry) => !isPackReference(entry)).map((entry) => findPack(places, entry)));
}

export interface PacksInForce {
  readonly entries: readonly string[];
  readonly packs: readonly PolicyPack[];
}

type Listener = (set: PolicySet, before: PolicySet) => void;

export class PolicyInForce {
  readonly places: PolicyPlaces;
  #current: PolicySet;
  #packs: PacksInForce;
  readonly #listeners: Listener[] = [];

  private constructor(places: PolicyPlaces, current: PolicySet, packs: PacksInForce) {
    this.places = places;
    this.#current = current;
    this.#packs = packs;
  }

  /** Without the packs of references: those come once there is a registry to read them from. */
  static async open(places: PolicyPlaces, entries: readonly string[]): Promise<PolicyInForce> {
    const packs = await findLocalPacks(places, entries);
    return new PolicyInForce(places, await readPolicySet(places.directory, packs), { entries, packs });
  }

  get current(): PolicySet {
    return this.#current;
  }

  get packs(): PacksInForce {
    return this.#packs;
  }

  /** Reads and validates what would be in force with other packs. Nothing changes. @throws `policy.invalid` */
  async prepare(entries: readonly string[], readReference: (entry: string) => Promise<PolicyPack>): Promise<Prepared> {
    const packs = await Promise.all(
      entries.map((entry) => (isPackReference(entry) ? readReference(entry) : findPack(this.places, entry))),
    );
    const names = new Set<string>();
    for (const { name, origin } of packs) {
      if (names.has(name))
        throw daemonErrors("policy.bad-pack", { pack: origin, reason: `\`${name}\` is there twice` });
      names.add(name);
    }
    return { set: await readPolicySet(this.places.directory, packs), entries, packs };
  }

  /** From now on every decision is made by it. */
  exchange({ set, entries, packs }: Prepared): void {
    const before = this.#current;
    this.#current = set;
    this.#packs = { entries, packs };
    if (before.digest === set.digest) return;
    for (const listener of this.#listeners) listener(set, before);
  }

  /** Tells when another set is in force; decisions under the one before no longer count. */
  onChange(listener: Listener): void {
    this.#listeners.push(listener);
  }
}

export interface Prepared extends PacksInForce {
  readonly set: PolicySet;
}
