// Approvals that were given and still count: for one call that comes again, or for equal ones for a while.
import type { Clock } from "@pratique/core";
import type { Database } from "@pratique/store";

type Table = Database["approvals"];

export interface StandingApproval {
  readonly id: string;
  readonly key: string;
  readonly by: string;
  /** RFC 3339. */
  readonly until: string;
  readonly isRemembered: boolean;
}

/** Answers older than this are forgotten here; the audit log keeps their records. */
const KEPT_MS = 30 * 86_400_000;

export class StandingApprovals {
  readonly #table: Table;
  readonly #clock: Clock;
  readonly #byKey = new Map<string, StandingApproval[]>();

  private constructor(table: Table, clock: Clock) {
    this.#table = table;
    this.#clock = clock;
  }

  static async open(table: Table, clock: Clock): Promise<StandingApprovals> {
    const standing = new StandingApprovals(table, clock);
    const now = clock.now();
    await table.prune(new Date(now.getTime() - KEPT_MS).toISOString());
    for (const { id, key, answeredBy, until, isRemembered } of await table.standing(now.toISOString())) {
      standing.add({ id, key, by: answeredBy, until, isRemembered: isRemembered === 1 });
    }
    return standing;
  }

  add(approval: StandingApproval): void {
    this.#byKey.set(approval.key, [...this.#current(approval.key), approval]);
  }

  /** One that counts for this call. That it is used up is durable when this resolves. */
  async take(key: string): Promise<StandingApproval | undefined> {
    const current = this.#current(key);
    const chosen = current.find(({ isRemembered }) => isRemembered) ?? current[0];
    if (chosen === undefined || chosen.isRemembered) return chosen;
    // Gone at once, so that of two calls at the same moment one gets it.
    this.#byKey.set(
      key,
      current.filter((one) => one !== chosen),
    );
    return (await this.#table.use(chosen.id)) ? chosen : undefined;
  }

  #current(key: string): StandingApproval[] {
    const now = this.#clock.now().getTime();
    const current = (this.#byKey.get(key) ?? []).filter(({ until }) => Date.parse(until) > now);
    if (current.length === 0) this.#byKey.delete(key);
    return current;
  }
}
