// A review of Kubernetes: every image that is new in an object is judged, and what is allowed is pinned by its digest.
import type { AdmissionConfig, AdmissionRequest, AdmissionResponse, PatchStep, Principal } from "@pratique/contracts";
import { describeError, type JsonObject, type Log } from "@pratique/core";
import { pinned } from "./image-lookup.ts";
import type { ImageJudge, ImageVerdict } from "./judge-image.ts";
import { imagesOf, UnreadableObject, type ImagePlace } from "./pod-images.ts";

/** What the webhook that asks may get: `review` may change the object, `validate` may not. */
export type ReviewForm = "review" | "validate";

export interface ReviewQuestion {
  readonly request: AdmissionRequest;
  readonly principal: Principal;
  readonly form: ReviewForm;
  readonly signal: AbortSignal;
}

const AT_ONCE = 4;
const MAX_MESSAGE = 4096;
/** The API server cuts warnings beyond so many characters, and drops more than 4096 of all together. */
const MAX_WARNING = 256;
const MAX_WARNINGS = 12;

interface Judged {
  readonly image: string;
  readonly verdict: ImageVerdict;
}

export class ReviewJudge {
  readonly #judge: Pick<ImageJudge, "judge">;
  readonly #config: Pick<AdmissionConfig, "exemptNamespaces" | "pin">;
  readonly #log: Log;

  constructor(judge: Pick<ImageJudge, "judge">, config: Pick<AdmissionConfig, "exemptNamespaces" | "pin">, log: Log) {
    this.#judge = judge;
    this.#config = config;
    this.#log = log;
  }

  /** Never throws, and is never later than the signal: what cannot be decided is denied. */
  async answer(question: ReviewQuestion): Promise<AdmissionResponse> {
    const { uid } = question.request;
    const late = new Promise<AdmissionResponse>((resolve) => {
      const end = (): void =>
        resolve(denied(uid, 504, "it could not be judged within the time limit, so it is denied"));
      if (question.signal.aborted) end();
      else question.signal.addEventListener("abort", end, { once: true });
    });
    return await Promise.race([this.#answer(question), late]);
  }

  async #answer(question: ReviewQuestion): Promise<AdmissionResponse> {
    const { request } = question;
    const { uid } = request;
    try {
      if (request.operation === "DELETE" || request.operation === "CONNECT") return { uid, allowed: true };
      const namespace = request.namespace ?? "";
      if (this.#config.exemptNamespaces.includes(namespace)) return exempt(uid, namespace);
      const places = newImages(request);
      const judged = await this.#judgeAll(question, places);
      return this.#response(question, places, judged);
    } catch (error) {
      if (error instanceof UnreadableObject) return denied(uid, 400, error.message);
      this.#log.error("an admission review failed", describeError(error));
      return denied(uid, 500, "it could not be judged, so it is denied");
    }
  }

  /** Each image once, however many containers use it. */
  async #judgeAll(question: ReviewQuestion, places: readonly ImagePlace[]): Promise<ReadonlyMap<string, Judged>> {
    const { request, principal, signal } = question;
    const waiting = [...new Set(places.map(({ image }) => image))];
    const judged = new Map<string, Judged>();
    const details: JsonObject = { kubernetes: detailsOf(request) };
    const isDryRun = request.dryRun === true;
    const worker = async (): Promise<void> => {
      for (let image = waiting.shift(); image !== undefined; image = waiting.shift()) {
        signal.throwIfAborted();
        judged.set(image, { image, verdict: await this.#judge.judge({ principal, image, details, isDryRun, signal }) });
      }
    };
    await Promise.all(Array.from({ length: Math.min(AT_ONCE, waiting.length) }, worker));
    return judged;
  }

  #response(
    { request, form }: ReviewQuestion,
    places: readonly ImagePlace[],
    judged: ReadonlyMap<string, Judged>,
  ): AdmissionResponse {
    const { uid } = request;
    const refusals: string[] = [];
    const patch: PatchStep[] = [];
    const warnings: string[] = [];
    for (const { image, pointer, what } of places) {
      const verdict = judged.get(image)?.verdict;
      if (verdict?.allowed !== true) {
        refusals.push(`${what}: ${image}: ${verdict?.reason ?? "it was not judged"}`);
        continue;
      }
      const value = pinned(image, verdict.digest);
      // Templates stay as their authors keep them elsewhere; the pods made of them come here themselves.
      if (value === image || request.kind.kind !== "Pod") continue;
      if (!this.#config.pin) warnings.push(`${what}: ${image} is not pinned; judged was ${verdict.digest}`);
      else if (form === "validate") {
        refusals.push(`${what}: ${image} is not pinned by its digest, which the mutating webhook would have put in`);
      } else patch.push({ op: "test", path: pointer, value: image }, { op: "replace", path: pointer, value });
    }
    const auditAnnotations = annotationsOf([...judged.values()]);
    if (refusals.length > 0) return { ...denied(uid, 403, refusals.join("\n")), auditAnnotations };
    return {
      uid,
      allowed: true,
      ...(patch.length === 0
        ? {}
        : { patchType: "JSONPatch", patch: Buffer.from(JSON.stringify(patch)).toString("base64") }),
      ...(warnings.length === 0 ? {} : { warnings: shortened(warnings) }),
      auditAnnotations,
    };
  }
}

/**
 * The images that an object has and its former self had not in the same container: those were judged when they came.
 * One more container with the same tag is judged, since the tag may have moved since.
 */
function newImages({ kind, operation, object, oldObject }: AdmissionRequest): ImagePlace[] {
  const places = imagesOf(kind, object);
  if (operation !== "UPDATE") return places;
  const keyOf = ({ what, image }: ImagePlace): string => JSON.stringify([what, image]);
  const known = new Set(imagesOf(kind, oldObject).map(keyOf));
  return places.filter((place) => !known.has(keyOf(place)));
}

function detailsOf({ uid, kind, namespace, name, operation, userInfo, subResource }: AdmissionRequest): JsonObject {
  const short = (text: string | undefined): string | undefined => text?.slice(0, 253);
  const optional = {
    namespace: short(namespace),
    name: short(name),
    subResource: short(subResource),
    user: short(userInfo?.username),
  };
  const given = Object.entries(optional).filter(([, value]) => value !== undefined && value !== "");
  return { uid: uid.slice(0, 64), kind: kind.kind.slice(0, 63), operation, ...Object.fromEntries(given) };
}

function denied(uid: string, code: number, message: string): AdmissionResponse {
  const reason = code === 403 ? "Forbidden" : code === 400 ? "BadRequest" : code === 504 ? "Timeout" : "InternalError";
  return { uid, allowed: false, status: { code, reason, message: message.slice(0, MAX_MESSAGE) } };
}

function exempt(uid: string, namespace: string): AdmissionResponse {
  const warnings = shortened([`images in namespace ${namespace} are not judged: admission.exemptNamespaces`]);
  return { uid, allowed: true, warnings, auditAnnotations: { exempt: namespace } };
}

/** The API server puts the webhook's name before each key. */
function annotationsOf(judged: readonly Judged[]): Record<string, string> {
  if (judged.length === 0) return {};
  const text = (of: (one: Judged) => string): string => judged.map(of).join("\n").slice(0, 16_384);
  return {
    images: text(({ image, verdict }) => (verdict.allowed ? pinned(image, verdict.digest) : image)),
    decisions: text(({ verdict }) => (verdict.allowed ? "allow" : `deny ${verdict.policies.join(" ")}`.trim())),
    records: text(({ verdict }) => (verdict.record === "" ? "-" : verdict.record)),
  };
}

function shortened(warnings: readonly string[]): string[] {
  return warnings.slice(0, MAX_WARNINGS).map((text) => text.slice(0, MAX_WARNING));
}
