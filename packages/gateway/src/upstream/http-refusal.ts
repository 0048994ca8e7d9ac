// Answers whose HTTP status says that a request was not taken, and what they mean.
import type { Era } from "../exchange/exchange.ts";
import { McpError } from "../exchange/mcp-error.ts";
import { LostRequest } from "./lost-request.ts";
import { CODE, isModernCode, wireMessage, type WireMessage } from "./protocol.ts";

export class HttpRefusal extends Error {
  readonly status: number;
  readonly wwwAuthenticate: string | undefined;
  /** The JSON-RPC error in its body, if that is what there is. */
  readonly answer: (WireMessage & { readonly kind: "error" }) | undefined;

  constructor(status: number, wwwAuthenticate: string | undefined, body: unknown) {
    const message = wireMessage(body);
    const answer = message?.kind === "error" ? message : undefined;
    const what = status === 401 || status === 403 ? "it wants other credentials" : "it refused";
    super(`${what} (status ${status}${answer === undefined ? "" : `, ${answer.error.message}`})`);
    this.name = "HttpRefusal";
    this.status = status;
    this.wwwAuthenticate = wwwAuthenticate;
    this.answer = answer;
  }

  /** It says nothing of what the server understands. */
  get isUnready(): boolean {
    return UNREADY.includes(this.status);
  }

  /** A server of revision 2024-11-05 refuses so what is posted to where its event stream is. */
  get mayBeSse(): boolean {
    const isModern = this.answer !== undefined && isModernCode(this.answer.error.code);
    return !isModern && (this.status === 400 || this.status === 404 || this.status === 405);
  }
}

const UNREADY: readonly number[] = [401, 403, 429, 502, 503, 504];
/** A proxy says so while the server behind it starts again. */
const AWAY: readonly number[] = [502, 503, 504];
const NOT_TAKEN = { reached: false, endsConnection: true };

/** What a refusal means on a connection that was open. */
export function refused(
  refusal: HttpRefusal,
  id: number,
  { era, hasSession }: { readonly era: Era; readonly hasSession: boolean },
): Error {
  const { status, answer, message } = refusal;
  if (AWAY.includes(status)) return new LostRequest(message, { reached: true, endsConnection: false });
  if (era === "legacy") {
    if (hasSession && status === 404) return new LostRequest("its session ended", NOT_TAKEN);
    // Many servers have 400 for a session that they do not know, and name no request then.
    if (status === 400 && answer?.id !== id && /session|initializ/i.test(answer?.error.message ?? ""))
      return new LostRequest("its session ended", NOT_TAKEN);
  } else if (
    answer === undefined ? status === 400 || status === 404 || status === 405 : isOtherRevision(answer.error.code)
  )
    // Another server, or another version of it, stands there now.
    return new LostRequest("it does not speak the revision any more that it spoke", NOT_TAKEN);
  if (answer === undefined) return refusal;
  const { code, message: text, data } = answer.error;
  return new McpError(code, text, data);
}

function isOtherRevision(code: number): boolean {
  return code === CODE.unsupportedVersion;
}
