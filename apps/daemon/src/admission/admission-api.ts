// `/admission/v1/`: Kubernetes asks whether a pod may be. Whatever cannot be answered is answered with a no.
import type { IncomingMessage, ServerResponse } from "node:http";
import { AdmissionReview, type AdmissionConfig, type AdmissionResponse, type Principal } from "@pratique/contracts";
import { parseJson, readBounded } from "@pratique/core";
import { daemonErrors } from "../errors.ts";
import type { ReviewForm, ReviewJudge } from "./judge-review.ts";

/** An object has at most 1.5 MiB in etcd, and a review may hold two. */
const BODY_LIMIT_BYTES = 8 * 1024 * 1024;
/** What is left of the webhook's time for the way back. */
const MARGIN_MS = 500;
const LEAST_MS = 200;

export type AdmissionApi = (
  req: IncomingMessage,
  res: ServerResponse,
  url: URL,
  principal: Principal | undefined,
) => Promise<void>;

/** Serves reviews; the caller has authenticated. */
export function createAdmissionApi(
  judge: Pick<ReviewJudge, "answer">,
  config: Pick<AdmissionConfig, "timeout">,
): AdmissionApi {
  return async (req, res, url, principal) => {
    if (principal === undefined) {
      res.setHeader("www-authenticate", 'Bearer realm="pratique"');
      throw daemonErrors("control.unauthorized");
    }
    const form = formOf(url.pathname);
    if (form === undefined || req.method !== "POST") {
      throw daemonErrors("control.not-found", { path: url.pathname.slice(0, 200) });
    }
    const signal = AbortSignal.timeout(timeLimitMs(url.searchParams.get("timeout"), config.timeout));
    const text = (await readBounded(req, BODY_LIMIT_BYTES, "the review")).toString("utf8");
    const parsed = AdmissionReview.safeParse(parseJson(text, "the review"));
    if (!parsed.success) {
      const issue = parsed.error.issues[0];
      const problem = `not an AdmissionReview v1: ${issue?.path.join(".") ?? ""}: ${issue?.message ?? "unknown"}`;
      throw daemonErrors("control.bad-request", { problem: problem.slice(0, 300) });
    }
    send(res, await judge.answer({ request: parsed.data.request, principal, form, signal }));
  };
}

function formOf(path: string): ReviewForm | undefined {
  if (path === "/admission/v1/review") return "review";
  return path === "/admission/v1/validate" ? "validate" : undefined;
}

/** The API server says how long it waits, as Go writes a duration: `10s`, `1m0s`. */
export function timeLimitMs(asked: string | null, configuredMs: number): number {
  const match = /^(?:(\d{1,3})m)?(?:(\d{1,5}(?:\.\d{1,3})?)s)?$/.exec(asked ?? "");
  const milliseconds = /^(\d{1,6})ms$/.exec(asked ?? "");
  const askedMs =
    milliseconds === null ? Number(match?.[1] ?? 0) * 60_000 + Number(match?.[2] ?? 0) * 1000 : Number(milliseconds[1]);
  const limitMs = askedMs > 0 ? Math.min(configuredMs, askedMs - MARGIN_MS) : configuredMs;
  return Math.max(LEAST_MS, limitMs);
}

function send(res: ServerResponse, response: AdmissionResponse): void {
  const bytes = Buffer.from(JSON.stringify({ apiVersion: "admission.k8s.io/v1", kind: "AdmissionReview", response }));
  res.writeHead(200, {
    "content-type": "application/json",
    "content-length": bytes.length,
    "cache-control": "no-store",
  });
  res.end(bytes);
}
