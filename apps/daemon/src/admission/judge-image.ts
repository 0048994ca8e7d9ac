// One image of a pod: looked up, decided about as everywhere else, recorded.
import type { Decision, Principal } from "@pratique/contracts";
import { describeError, isPratiqueError, type Digest, type JsonObject } from "@pratique/core";
import type { Act, Guard, GuardResource } from "@pratique/guard";
import { repositoryResource } from "../artifacts/artifacts.ts";
import { daemonErrors } from "../errors.ts";
import { imageReference, type ImageLookup, type LookedUp } from "./image-lookup.ts";

export type ImageVerdict =
  | { readonly allowed: true; readonly digest: Digest; readonly decision: Decision; readonly record: string }
  | { readonly allowed: false; readonly reason: string; readonly policies: readonly string[]; readonly record: string };

export interface ImageQuestion {
  readonly principal: Principal;
  readonly image: string;
  /** For the record: what Kubernetes said of the pod. */
  readonly details: JsonObject;
  /** Nothing comes of it: decided, and not recorded. */
  readonly isDryRun: boolean;
  readonly signal: AbortSignal;
}

/** Stands where a record's id would. */
const NO_RECORD = "";

/** Judges images. Whatever goes wrong on the way is a no that says so. */
export class ImageJudge {
  readonly #guard: Guard;
  readonly #lookup: Pick<ImageLookup, "of">;

  constructor(guard: Guard, lookup: Pick<ImageLookup, "of">) {
    this.#guard = guard;
    this.#lookup = lookup;
  }

  async judge(question: ImageQuestion): Promise<ImageVerdict> {
    const { principal, image, details, signal } = question;
    try {
      const reference = imageReference(image);
      // Before a byte goes to a registry, whether anything of it may be taken (ADR 0022).
      const repository = repositoryResource(reference.repository, reference.registry);
      const pull: Act = { principal, action: "artifact:pull", resource: repository, details };
      if (!this.#guard.decide(pull).allow) return await this.#denied(question, pull);
      const found = await this.#find(question, repository);
      signal.throwIfAborted();
      const run: Act = { principal, action: "artifact:run", resource: found.resource, details };
      if (question.isDryRun) {
        const decision = this.#guard.decide(run);
        return decision.allow
          ? { allowed: true, digest: found.digest, decision, record: NO_RECORD }
          : { allowed: false, ...denialOf(decision), record: NO_RECORD };
      }
      const outcome = await this.#guard.perform(run, async (_decision, note) => {
        note({ digest: found.digest });
      });
      const record = outcome.record.id;
      return outcome.allowed
        ? { allowed: true, digest: found.digest, decision: outcome.decision, record }
        : { allowed: false, ...denialOf(outcome.decision), record };
    } catch (error) {
      return { allowed: false, reason: `it cannot be judged: ${messageOf(error)}`, policies: [], record: NO_RECORD };
    }
  }

  /** What cannot be looked up leaves a record too: an act that failed. */
  async #find(question: ImageQuestion, repository: GuardResource): Promise<LookedUp> {
    const { principal, image, details, signal, isDryRun } = question;
    try {
      return await this.#lookup.of(principal, image, signal);
    } catch (error) {
      if (!isDryRun) {
        const pull: Act = { principal, action: "artifact:pull", resource: repository, details };
        await this.#guard.perform(pull, () => Promise.reject(error)).catch(() => undefined);
      }
      throw error;
    }
  }

  async #denied({ isDryRun }: ImageQuestion, act: Act): Promise<ImageVerdict> {
    if (isDryRun) return { allowed: false, ...denialOf(this.#guard.decide(act)), record: NO_RECORD };
    const outcome = await this.#guard.perform(act, async () => undefined);
    // Allowed after all, since the policies changed between the two: asked again it will be judged.
    if (outcome.allowed) throw daemonErrors("control.bad-request", { problem: "the policies changed meanwhile" });
    return { allowed: false, ...denialOf(outcome.decision), record: outcome.record.id };
  }
}

function denialOf({ reason, remedy, policies }: Decision): { reason: string; policies: readonly string[] } {
  const ids = policies.map(({ id }) => id);
  return { reason: remedy === undefined ? reason : `${reason}; try: ${remedy}`, policies: ids };
}

function messageOf(error: unknown): string {
  if (isPratiqueError(error)) return error.message.slice(0, 300);
  if (error instanceof Error && error.name === "TimeoutError") return "it took too long";
  return String(describeError(error)["error"]).slice(0, 300);
}
