// The profiles in force: those of the configuration, and over them those that were changed while the daemon ran.
import {
  GatewayProfile,
  type Config,
  type Principal,
  type ProfileSetRequest,
  type ProfileSummary,
} from "@pratique/contracts";
import { describeError, isPratiqueError, type Clock, type Log } from "@pratique/core";
import { allowedOrThrow, type Guard } from "@pratique/guard";
import type { ProfileTable } from "@pratique/store";
import { systemResource } from "../artifacts/artifacts.ts";
import { daemonErrors } from "../errors.ts";

export interface ProfilesOptions {
  readonly configured: Config["gateway"]["profiles"];
  readonly table: ProfileTable;
  readonly guard: Guard;
  readonly clock: Clock;
  readonly log: Log;
  readonly url: string;
}

export class Profiles {
  readonly #options: ProfilesOptions;
  readonly #changed = new Map<string, GatewayProfile>();
  #inForce: Readonly<Record<string, GatewayProfile>>;
  #onChange: () => void = () => undefined;

  private constructor(options: ProfilesOptions) {
    this.#options = options;
    this.#inForce = options.configured;
  }

  static async open(options: ProfilesOptions): Promise<Profiles> {
    const profiles = new Profiles(options);
    for (const { name, body } of await options.table.list()) {
      const parsed = GatewayProfile.safeParse(body === null ? undefined : JSON.parse(body));
      // What is no profile any more shows nothing, rather than everything.
      if (parsed.success) profiles.#changed.set(name, parsed.data);
      else {
        profiles.#changed.set(name, GatewayProfile.parse({ servers: [] }));
        options.log.error("a profile that was changed cannot be read, and shows nothing", { profile: name });
      }
    }
    profiles.#merge();
    return profiles;
  }

  get inForce(): Readonly<Record<string, GatewayProfile>> {
    return this.#inForce;
  }

  /** Called whenever they are not what they were. */
  onChange(tell: () => void): void {
    this.#onChange = tell;
  }

  async list(principal: Principal): Promise<ProfileSummary[]> {
    const { guard } = this.#options;
    const act = { principal, action: "admin:read", resource: systemResource } as const;
    return allowedOrThrow(await guard.perform(act, async () => this.#summaries()));
  }

  async set(principal: Principal, { name, profile }: ProfileSetRequest): Promise<ProfileSummary> {
    const { guard, table, clock } = this.#options;
    const whole = GatewayProfile.parse(profile);
    const details = { operation: "profile.set", profile: name };
    const act = { principal, action: "admin:write", resource: systemResource, details } as const;
    return allowedOrThrow(
      await guard.perform(act, async () => {
        const changedAt = clock.now().toISOString();
        await table.put({ name, body: JSON.stringify(whole), changedBy: principal.id, changedAt });
        this.#changed.set(name, whole);
        this.#tell();
        return this.#summaryOf(name, whole);
      }),
    );
  }

  /** @throws `profile.not-changed` for one that stands in the configuration only, or nowhere */
  async remove(principal: Principal, name: string): Promise<{ readonly name: string; readonly isConfigured: boolean }> {
    const { guard, table, configured } = this.#options;
    const details = { operation: "profile.remove", profile: name };
    const act = { principal, action: "admin:write", resource: systemResource, details } as const;
    return allowedOrThrow(
      await guard.perform(act, async () => {
        if (!(await table.remove(name))) throw daemonErrors("profile.not-changed", { name: name.slice(0, 100) });
        this.#changed.delete(name);
        this.#tell();
        return { name, isConfigured: Object.hasOwn(configured, name) };
      }),
    );
  }

  #tell(): void {
    this.#merge();
    try {
      this.#onChange();
    } catch (error) {
      if (!isPratiqueError(error)) throw error;
      this.#options.log.warn("clients were not told of a profile", describeError(error));
    }
  }

  #merge(): void {
    this.#inForce = { ...this.#options.configured, ...Object.fromEntries(this.#changed) };
  }

  #summaries(): ProfileSummary[] {
    return Object.entries(this.#inForce)
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, profile]) => this.#summaryOf(name, profile));
  }

  #summaryOf(name: string, profile: GatewayProfile): ProfileSummary {
    const origin = this.#changed.has(name) ? "changed" : "configuration";
    return { name, profile, origin, url: `${this.#options.url}/mcp/${name}` };
  }
}
