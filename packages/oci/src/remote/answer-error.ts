// Turns a registry's refusal into an error that says what to do (distribution-spec 1.1, "Error Codes").
import { isJsonObject, readBounded } from "@pratique/core";
import type { IncomingMessage } from "node:http";
import { ociErrors } from "../errors.ts";

const BODY_LIMIT_BYTES = 64 * 1024;

/** `clean` takes secrets out of what the registry says. Reads (or gives up) the answer's body. */
export async function answerError(
  answer: IncomingMessage,
  context: { readonly registry: string; readonly what: string; readonly clean: (text: string) => string },
): Promise<Error> {
  const { registry, what } = context;
  const status = answer.statusCode ?? 0;
  const said = context.clean(await reasonOf(answer)).slice(0, 500);
  const reason = said === "" ? `status ${status}` : said;
  if (status === 401) return ociErrors("registry.unauthorized", { registry, what });
  if (status === 403) return ociErrors("registry.denied", { registry, what, reason }, { details: { reason } });
  if (status === 404) return ociErrors("registry.not-found", { registry, what });
  if (status === 429) {
    const retryAfter = answer.headers["retry-after"];
    return ociErrors(
      "registry.rate-limited",
      { registry },
      retryAfter === undefined ? {} : { details: { retryAfter } },
    );
  }
  return ociErrors("registry.failed", { registry, status, what, reason }, { details: { status, reason } });
}

async function reasonOf(answer: IncomingMessage): Promise<string> {
  try {
    const text = (await readBounded(answer, BODY_LIMIT_BYTES)).toString("utf8");
    const json: unknown = JSON.parse(text);
    const errors = isJsonObject(json) && Array.isArray(json["errors"]) ? json["errors"] : [];
    return errors.map(oneReason).filter(Boolean).join("; ");
  } catch {
    // Anything may stand in the body of an error; without a readable reason the status has to do.
    answer.destroy();
    return "";
  }
}

function oneReason(error: unknown): string {
  if (!isJsonObject(error)) return "";
  const parts = [error["code"], error["message"]].filter((part) => typeof part === "string" && part !== "");
  return parts.join(": ").replace(/[^\u0020-\u007e\u00a0-\uffff]+/g, " ");
}
