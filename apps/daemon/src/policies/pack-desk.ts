// Puts policy packs in force and takes them out again: validated first, recorded, and without a restart.
import { isAbsolute } from "node:path";
import type { PolicyPackResult, PolicyPacks, PolicyPackSummary, Principal } from "@pratique/contracts";
import { Mutex } from "@pratique/core";
import { allowedOrThrow, type Guard } from "@pratique/guard";
import { readPolicyArtifact } from "@pratique/packaging";
import { systemResource, type Artifacts } from "../artifacts/artifacts.ts";
import { daemonErrors } from "../errors.ts";
import { packNameOf } from "../policy-files.ts";
import { dropOwnCopy, keepOwnCopy } from "./own-copy.ts";
import { writePacks } from "./packs-in-config.ts";
import { findPack, isPackReference, type PolicyInForce, type Prepared } from "./policy-in-force.ts";
import { PACK_NAME, packOf, readPacks, type PolicyPack } from "./policy-pack.ts";

export interface PackDeskOptions {
  readonly guard: Guard;
  readonly policies: PolicyInForce;
  readonly artifacts: Artifacts;
}

export class PackDesk {
  readonly #options: PackDeskOptions;
  readonly #turn = new Mutex();

  constructor(options: PackDeskOptions) {
    this.#options = options;
  }

  /** At the start, when there is a registry to read from: puts the packs in force that are artifacts. */
  async open(): Promise<void> {
    const { policies } = this.#options;
    const { entries } = policies.packs;
    if (entries.some(isPackReference)) policies.exchange(await policies.prepare(entries, (one) => this.#read(one)));
  }

  async list(principal: Principal): Promise<PolicyPacks> {
    const { guard, policies } = this.#options;
    const act = { principal, action: "admin:read", resource: systemResource } as const;
    return allowedOrThrow(
      await guard.perform(act, async () => {
        const { places, packs, current } = policies;
        const others = [...(await readPacks(places.own)), ...(await readPacks(places.shipped))];
        const byName = new Map<string, PolicyPack>();
        for (const pack of [...packs.packs, ...others]) if (!byName.has(pack.name)) byName.set(pack.name, pack);
        const all = [...byName.values()].toSorted((a, b) => (a.name < b.name ? -1 : 1));
        return { packs: all.map((pack) => this.#summary(pack)), policyDigest: current.digest };
      }),
    );
  }

  /** What would be in force with one pack more, or with the files as they are now. Nothing changes. */
  async trying(named: string | undefined): Promise<Prepared> {
    const { policies } = this.#options;
    const { entries, packs } = policies.packs;
    const read = (one: string): Promise<PolicyPack> => this.#read(one);
    if (named === undefined) return await policies.prepare(entries, read);
    const entry = isPackReference(named) ? await this.#pinned(named) : named;
    const { name } = isPackReference(entry) ? await this.#read(entry) : await findPack(policies.places, entry);
    return await policies.prepare([...entries.filter((_, at) => packs[at]?.name !== name), entry], read);
  }

  /** The same pack again reads it again: so what somebody edited comes into force. */
  add(principal: Principal, named: string): Promise<PolicyPackResult> {
    return this.#change(principal, { add: named }, async () => {
      const { policies } = this.#options;
      const { places, packs } = policies;
      const { entry, pack } = await this.#entryOf(principal, named);
      const others = packs.entries.filter((_, at) => packs.packs[at]?.name !== pack.name);
      const prepared = await policies.prepare([...others, entry], (one) => this.#read(one));
      const notes: string[] = [];
      if (PACK_NAME.test(entry)) notes.push(`what to edit is in ${await keepOwnCopy(places, pack)}`);
      await writePacks(places.configFile, prepared.entries);
      return { pack, prepared, notes };
    });
  }

  remove(principal: Principal, name: string): Promise<PolicyPackResult> {
    return this.#change(principal, { remove: name }, async () => {
      const { policies } = this.#options;
      const { places, packs } = policies;
      const at = packs.packs.findIndex((pack, index) => pack.name === name || packs.entries[index] === name);
      const pack = packs.packs[at];
      if (pack === undefined) throw daemonErrors("policy.unknown-pack", { pack: `${name} in force` });
      const prepared = await policies.prepare(packs.entries.toSpliced(at, 1), (one) => this.#read(one));
      await writePacks(places.configFile, prepared.entries);
      const isKept = (await dropOwnCopy(places, pack.name)) === "kept";
      return { pack, prepared, notes: isKept ? [`your changed copy stays in ${places.own}/${pack.name}`] : [] };
    });
  }

  #change(
    principal: Principal,
    details: { readonly add: string } | { readonly remove: string },
    change: () => Promise<{
      readonly pack: PolicyPack;
      readonly prepared: Prepared;
      readonly notes: readonly string[];
    }>,
  ): Promise<PolicyPackResult> {
    const { guard, policies } = this.#options;
    const act = {
      principal,
      action: "admin:write",
      resource: systemResource,
      details: { policyPack: details },
    } as const;
    return this.#turn.run(async () =>
      allowedOrThrow(
        await guard.perform(act, async (_decision, note) => {
          const before = policies.current.digest;
          const { pack, prepared, notes } = await change();
          policies.exchange(prepared);
          note({ policyDigestBefore: before, policyDigestAfter: prepared.set.digest });
          const { digest } = prepared.set;
          return { pack: this.#summary(pack), changed: digest !== before, policyDigest: digest, notes: [...notes] };
        }),
      ),
    );
  }

  async #entryOf(principal: Principal, named: string): Promise<{ entry: string; pack: PolicyPack }> {
    const { policies, artifacts, guard } = this.#options;
    if (!isPackReference(named)) {
      if (!PACK_NAME.test(named) && !isAbsolute(named)) throw daemonErrors("policy.unknown-pack", { pack: named });
      return { entry: named, pack: await findPack(policies.places, named) };
    }
    const found = await artifacts.find(named);
    const pull = { principal, action: "artifact:pull", resource: await artifacts.resource(found) } as const;
    const entry = `${found.repository.name}@${found.descriptor.digest}`;
    return { entry, pack: allowedOrThrow(await guard.perform(pull, () => this.#read(entry))) };
  }

  async #pinned(named: string): Promise<string> {
    const { repository, descriptor } = await this.#options.artifacts.find(named);
    return `${repository.name}@${descriptor.digest}`;
  }

  /** A pack from the own registry: by digest, and signed by a key that is trusted. */
  async #read(entry: string): Promise<PolicyPack> {
    const { artifacts } = this.#options;
    if (!entry.includes("@")) throw daemonErrors("policy.pack-unpinned", { pack: entry });
    const found = await artifacts.find(entry);
    const { signers } = await artifacts.evidence(found);
    if (signers.length === 0) {
      throw daemonErrors("policy.pack-not-trusted", { pack: entry, reason: "no trusted key has signed it" });
    }
    const { name, files } = await readPolicyArtifact(found.repository, found.descriptor.digest);
    return packOf(packNameOf(name), entry, files);
  }

  #summary({ name, summary, origin, files }: PolicyPack): PolicyPackSummary {
    const { current, packs } = this.#options.policies;
    const inForce = packs.packs.some((pack) => pack.name === name);
    const policies = inForce
      ? current.policies.filter(({ file }) => file.startsWith(`packs/${name}/`)).map(({ id }) => id)
      : Object.values(files).flatMap((text) => [...text.matchAll(/^@id\("([^"]+)"\)/gm)].map(([, id = ""]) => id));
    return { name, summary, inForce, origin, policies };
  }
}
