// Every call to an engine has a deadline: an engine that hangs must not hang us.

/** Runs a call that can be aborted, for at most `timeoutMs`. */
export async function withDeadline<T>(
  what: string,
  timeoutMs: number,
  call: (signal: AbortSignal) => Promise<T>,
  signal?: AbortSignal,
): Promise<T> {
  const deadline = AbortSignal.timeout(timeoutMs);
  const either = signal === undefined ? deadline : AbortSignal.any([deadline, signal]);
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const onAbort = (): void => reject(new Error(`the engine did not ${what} within ${timeoutMs} ms`));
  either.addEventListener("abort", onAbort, { once: true });
  try {
    either.throwIfAborted();
    const answer = call(either);
    answer.catch(() => undefined);
    return await Promise.race([answer, aborted]);
  } finally {
    either.removeEventListener("abort", onAbort);
  }
}

/** The HTTP status of an engine's refusal. */
export function statusOf(error: unknown): number | undefined {
  if (typeof error !== "object" || error === null || !("statusCode" in error)) return undefined;
  return typeof error.statusCode === "number" ? error.statusCode : undefined;
}

/** What an engine said, in one line. */
export function reasonOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.replaceAll(/\s+/g, " ").trim().slice(0, 400);
}
