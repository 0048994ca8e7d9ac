// The desk for secrets: set, listed, removed, rotated; their values go in and do not come out.
import type {
  Principal,
  SecretKeys,
  SecretList,
  SecretRemoveRequest,
  SecretRotation,
  SecretScope,
  SecretSetRequest,
  SecretSummary,
} from "@pratique/contracts";
import type { JsonObject } from "@pratique/core";
import { allowedOrThrow, type Guard } from "@pratique/guard";
import { ownerOf, SECRET_KIND, secretErrors, type SecretEntry, type SecretStore } from "@pratique/secrets";
import { systemResource } from "../artifacts/artifacts.ts";

export class SecretDesk {
  readonly #store: SecretStore;
  readonly #guard: Guard;

  constructor(options: { readonly store: SecretStore; readonly guard: Guard }) {
    this.#store = options.store;
    this.#guard = options.guard;
  }

  async set(principal: Principal, request: SecretSetRequest): Promise<SecretSummary> {
    const { name, scope, description } = request;
    return await this.#write(principal, { operation: "secret.set", secret: name, scope }, async (note) => {
      const key = { owner: ownerIn(scope, principal), name };
      const facts = description === undefined ? {} : { description };
      const entry = await this.#store.set(key, Buffer.from(request.value), facts);
      note({ version: entry.version });
      return summaryOf(entry);
    });
  }

  /** Shared ones, and the principal's own: what others have is theirs. */
  async list(principal: Principal): Promise<SecretList> {
    return await this.#read(principal, async () => {
      const own = ownerOf(principal);
      const entries = (await this.#store.list(SECRET_KIND)).filter(({ owner }) => owner === "" || owner === own);
      return {
        keys: await this.#store.keys(),
        sources: this.#store.sources.map(({ type, place }) => ({ type, place })),
        secrets: entries.map(summaryOf),
      };
    });
  }

  /** @throws `secret.not-found` */
  async remove(principal: Principal, { name, scope = "shared" }: SecretRemoveRequest): Promise<SecretSummary> {
    return await this.#write(principal, { operation: "secret.remove", secret: name, scope }, async () => {
      const owner = ownerIn(scope, principal);
      const entry = (await this.#store.list(SECRET_KIND)).find((each) => each.name === name && each.owner === owner);
      if (entry === undefined || !(await this.#store.remove(entry))) {
        throw secretErrors("secret.not-found", { name: name.slice(0, 200) });
      }
      return summaryOf(entry);
    });
  }

  async rotate(principal: Principal): Promise<SecretRotation> {
    return await this.#write(principal, { operation: "secret.rotate" }, async (note) => {
      const rotation = await this.#store.rotate();
      note({ ...rotation });
      return rotation;
    });
  }

  /** For status: nothing is reached, and nothing chosen. */
  async known(): Promise<SecretKeys> {
    return await this.#store.keys();
  }

  /** For doctor: proves that values can be kept, without choosing a back end before there is a secret. */
  async examine(): Promise<string> {
    const { type, place, under, elsewhere } = await this.#store.keys();
    if (type === "auto" && under === 0)
      return "no secret was set yet; then the system's keyring is taken, else a key file";
    await this.#store.probe();
    if (elsewhere > 0) throw new Error(`${elsewhere} secrets lie under a former back end`);
    const now = await this.#store.keys();
    return `${now.type}: ${place === now.place ? place : now.place}, ${under} values`;
  }

  async #write<T>(principal: Principal, details: JsonObject, act: (note: (more: JsonObject) => void) => Promise<T>) {
    const asked = { principal, action: "admin:write", resource: systemResource, details } as const;
    return allowedOrThrow(await this.#guard.perform(asked, async (_, note) => await act(note)));
  }

  async #read<T>(principal: Principal, read: () => Promise<T>): Promise<T> {
    return allowedOrThrow(
      await this.#guard.perform({ principal, action: "admin:read", resource: systemResource }, read),
    );
  }
}

function ownerIn(scope: SecretScope, principal: Principal): string {
  return scope === "user" ? ownerOf(principal) : "";
}

function summaryOf({ owner, name, version, facts, createdAt, updatedAt }: SecretEntry): SecretSummary {
  const { description } = facts;
  return {
    name,
    scope: owner === "" ? "shared" : "user",
    version,
    ...(typeof description === "string" ? { description } : {}),
    createdAt,
    updatedAt,
  };
}
