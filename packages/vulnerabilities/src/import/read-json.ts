// JSON of advisories: bounded in depth, and with errors that say in one line what is wrong.
import { ZodError } from "zod";
import { isShallow, plainLine } from "./limits.ts";

/** @throws SyntaxError, TypeError */
export function readJson(text: string): unknown {
  if (!isShallow(text)) throw new TypeError("it is nested too deeply");
  return JSON.parse(text);
}

/** Why something could not be read. */
export function reasonOf(error: unknown): string {
  if (error instanceof ZodError) {
    const issue = error.issues[0];
    return plainLine(`${issue?.path.join(".") ?? ""}: ${issue?.message ?? "is not as it should be"}`, 200);
  }
  return plainLine(error instanceof Error ? error.message : String(error), 200);
}

/** What a reader throws for data that is not as it should be; anything else is a failure of ours or of the system. */
export function isDataError(error: unknown): boolean {
  return error instanceof ZodError || error instanceof SyntaxError || error instanceof TypeError;
}
