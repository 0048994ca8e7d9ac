// Finds the daemon of the state directory, or starts one in this process.
import { join } from "node:path";
import { openClient, type Client } from "@pratique/client";
import { isPratiqueError } from "@pratique/core";
import type { Context } from "../kit/command.ts";

export interface Board {
  readonly client: Client;
  readonly url: string;
  /** True when this process started it, and stops it. */
  readonly started: boolean;
  /** `examples/voyage` of this installation. */
  readonly examples: string;
  consoleLink(): string;
  leave(): Promise<void>;
}

const DEFAULT_LISTEN = "127.0.0.1:7340";

export async function boardDaemon(context: Context, listen: string | undefined): Promise<Board> {
  const { installationDirectory, startDaemon } = await import("@pratique/app-daemon");
  const examples = join(installationDirectory(), "examples", "voyage");
  const running = await findRunning(context);
  if (running !== undefined)
    return {
      ...running,
      started: false,
      examples,
      consoleLink: () => `${running.url}/console/`,
      leave: async () => undefined,
    };

  const start = (address: string) =>
    startDaemon({
      home: context.home,
      listen: address,
      environment: context.environment,
      writeLog: (line) => context.terminal.note(line.trimEnd()),
      logLevel: "error",
    });
  const daemon = await start(listen ?? context.environment["PRATIQUE_LISTEN"] ?? DEFAULT_LISTEN).catch(
    (error: unknown) => {
      // Somebody else's daemon, or another program: this voyage does not need that very port.
      if (listen !== undefined || !isPratiqueError(error, "daemon.port-in-use")) throw error;
      return start("127.0.0.1:0");
    },
  );
  const { readFile } = await import("node:fs/promises");
  const token = (await readFile(join(context.home, "token"), "utf8")).trim();
  return {
    client: openClient({ url: daemon.url, token }),
    url: daemon.url,
    started: true,
    examples,
    consoleLink: () => daemon.consoleLink(),
    leave: () => daemon.close(),
  };
}

/** A daemon that answers us and works on the same state directory. */
async function findRunning(context: Context): Promise<{ client: Client; url: string } | undefined> {
  const client = await context.client();
  const isNamed = (context.environment["PRATIQUE_URL"] ?? "") !== "";
  try {
    const status = await client.status();
    return status.home === context.home || isNamed ? { client, url: status.url } : undefined;
  } catch (error) {
    // A daemon that was named must be the one; else whatever answers there is not ours.
    if (isNamed || !isPratiqueError(error)) throw error;
    return undefined;
  }
}
