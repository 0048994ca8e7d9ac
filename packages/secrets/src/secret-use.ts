// The one way by which a secret reaches a server: decided, recorded, and given.
import type { Principal } from "@pratique/contracts";
import { allowedOrThrow, type Guard, type GuardResource } from "@pratique/guard";
import { secretErrors } from "./errors.ts";
import type { Secret } from "./secret.ts";
import type { SecretSource } from "./secret-source.ts";

export interface UseRequest {
  readonly names: readonly string[];
  /** What gets them: a server, a model, a registry or a host. */
  readonly resource: GuardResource;
  /** Who uses them: the person who placed what is shared, the principal himself for his own. */
  readonly by: Principal;
  readonly scope: "shared" | "user";
}

export class SecretUse {
  readonly #guard: Guard;
  readonly #source: SecretSource;

  constructor(options: { readonly guard: Guard; readonly source: SecretSource }) {
    this.#guard = options.guard;
    this.#source = options.source;
  }

  /**
   * The secrets that are there, by name; the act is recorded with names and versions. Whoever takes them disposes of them.
   * @throws `policy.denied`
   */
  async use({ names, resource, by, scope }: UseRequest): Promise<Map<string, Secret>> {
    const context = { secrets: [...names].toSorted(), login: false, own: scope === "user" };
    const act = { principal: by, action: "credential:use", resource, context } as const;
    const outcome = await this.#guard.perform(act, async (_, note) => {
      const found = new Map<string, Secret>();
      for (const name of names) {
        const secret = await this.#source.get(name, scope === "user" ? by : undefined);
        if (secret !== undefined) found.set(name, secret);
      }
      note({
        scope,
        secrets: [...found.values()].map((secret) => `${secret.name}@${secret.version}`),
        missing: names.filter((name) => !found.has(name)),
      });
      return found;
    });
    return allowedOrThrow(outcome);
  }

  /** As `use`, of what must all be there. @throws `policy.denied`, `secret.not-found` */
  async need(request: UseRequest): Promise<Map<string, Secret>> {
    const found = await this.use(request);
    const missing = request.names.find((name) => !found.has(name));
    if (missing === undefined) return found;
    for (const secret of found.values()) secret.dispose();
    throw secretErrors("secret.not-found", { name: missing });
  }
}
