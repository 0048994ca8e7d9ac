// What an interceptor is asked and what it may say: the same over HTTP and in WebAssembly.
import { isJsonObject, parseJson, type Json, type JsonObject } from "@pratique/core";

/** The version of the form of both. */
const VERSION = 1;

export interface Question {
  readonly version: typeof VERSION;
  readonly when: "before" | "after";
  readonly method: string;
  readonly server: string;
  /** Of tools/call: the server's own name. */
  readonly tool?: string;
  readonly principal: { readonly type: string; readonly id: string; readonly name?: string };
  readonly params: JsonObject;
  /** After: what the server answered. */
  readonly answer?: JsonObject;
}

export type Verdict =
  | { readonly action: "pass" }
  | { readonly action: "refuse"; readonly reason: string }
  /** `params` before, the answer after. */
  | { readonly action: "change"; readonly value: JsonObject };

/** One that can be asked. Rejects with a plain reason when it fails; the caller says what becomes of the message. */
export interface Transport {
  ask(question: string, signal: AbortSignal): Promise<string>;
  close(): Promise<void>;
}

const REASON_LIMIT = 300;
const DEPTH_LIMIT = 64;

export function questionText(question: Omit<Question, "version">): string {
  return JSON.stringify({ version: VERSION, ...question });
}

/** @throws Error that says what is wrong with it */
export function readVerdict(text: string, when: "before" | "after"): Verdict {
  if (text.trim() === "") return { action: "pass" };
  const said = parsed(text);
  if (!isJsonObject(said)) throw new Error("its answer is no JSON object");
  const { action } = said;
  if (action === "pass") return { action };
  if (action === "refuse") {
    const { reason } = said;
    return { action, reason: typeof reason === "string" ? reason.slice(0, REASON_LIMIT) : "no reason was given" };
  }
  if (action !== "change") throw new Error("its answer has no action of pass, refuse, change");
  const value = said[when === "before" ? "params" : "answer"];
  if (!isJsonObject(value))
    throw new Error(`its answer changes ${when === "before" ? "params" : "answer"} to no object`);
  if (!isShallow(value, 0)) throw new Error("its answer nests too deep");
  return { action, value };
}

function parsed(text: string): unknown {
  try {
    return parseJson(text, "its answer");
  } catch {
    throw new Error("its answer is no JSON");
  }
}

function isShallow(value: Json | undefined, depth: number): boolean {
  if (typeof value !== "object" || value === null) return true;
  return depth < DEPTH_LIMIT && Object.values(value).every((member: Json | undefined) => isShallow(member, depth + 1));
}
