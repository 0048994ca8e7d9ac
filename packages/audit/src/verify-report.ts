// What a verification found, check by check.
import type { Checkpoint } from "./note.ts";

export interface VerifyCheck {
  readonly name: string;
  readonly ok: boolean;
  /** What was checked; on failure which file, and what is wrong with it. */
  readonly detail: string;
}

export interface VerifyReport {
  readonly ok: boolean;
  readonly records: number;
  readonly checkpoint: { readonly size: number; readonly rootHash: string; readonly note: string };
  readonly checks: readonly VerifyCheck[];
}

const SHOWN = 5;

/** Collects failures by check; a check without any is ok. */
export class Checks {
  readonly #found = new Map<string, { passed: string; failures: string[] }>();

  /** Declares a check and what it says when nothing failed. */
  pass(name: string, detail: string): void {
    this.#of(name).passed = detail;
  }

  fail(name: string, detail: string): void {
    this.#of(name).failures.push(detail);
  }

  report(records: number, checkpoint: Checkpoint | undefined): VerifyReport {
    const checks = [...this.#found].map(([name, { passed, failures }]) => ({
      name,
      ok: failures.length === 0,
      detail: failures.length === 0 ? passed : summary(failures),
    }));
    const { size = 0, rootHash = "", note = "" } = checkpoint ?? {};
    return { ok: checks.every(({ ok }) => ok), records, checkpoint: { size, rootHash, note }, checks };
  }

  #of(name: string): { passed: string; failures: string[] } {
    const known = this.#found.get(name);
    if (known !== undefined) return known;
    const made = { passed: "", failures: [] };
    this.#found.set(name, made);
    return made;
  }
}

function summary(failures: readonly string[]): string {
  const shown = failures.slice(0, SHOWN).join("; ");
  return failures.length > SHOWN ? `${shown}; and ${failures.length - SHOWN} more` : shown;
}
