// A sandbox's port as a Unix socket of ours: nothing on the host's network, and nobody else's to connect to.
import { chmod, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { pipeline } from "node:stream";
import { sandboxErrors } from "./errors.ts";
import type { Sandbox } from "./sandbox.ts";

export interface PublishedPort {
  readonly path: string;
  close(): Promise<void>;
}

const POLL_MS = 25;

/** Waits until the server inside listens. @throws `sandbox.start-failed` when it ends before, or takes too long */
export async function publishPort(
  sandbox: Sandbox,
  path: string,
  options: { readonly timeoutMs: number },
): Promise<PublishedPort> {
  const { connect } = sandbox;
  const fail = (reason: string): Error => sandboxErrors("sandbox.start-failed", { name: sandbox.name, reason });
  if (connect === undefined) throw fail("it has no port");
  let hasEnded = false;
  void sandbox.exited.then(() => (hasEnded = true));
  const deadline = AbortSignal.timeout(options.timeoutMs);
  for (;;) {
    const connection = await connect().catch(() => undefined);
    connection?.destroy();
    if (connection !== undefined) break;
    if (hasEnded) throw fail("it ended before it listened");
    if (deadline.aborted) throw fail(`it did not listen within ${options.timeoutMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  const server = createServer({ allowHalfOpen: true }, (client) => {
    client.on("error", () => client.destroy());
    client.pause();
    connect().then(
      (inside) => {
        pipeline(client, inside, () => undefined);
        pipeline(inside, client, () => undefined);
      },
      () => client.destroy(),
    );
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(path, () => resolve());
  });
  await chmod(path, 0o600);
  const close = async (): Promise<void> => {
    server.close();
    await rm(path, { force: true });
  };
  void sandbox.exited.then(close, close);
  return { path, close };
}
