// Servers that were added at run time: a file beside the configuration, in the form of `gateway.servers`.
import { readFile } from "node:fs/promises";
import { GatewayServerConfig } from "@pratique/contracts";
import { Mutex, type JsonObject } from "@pratique/core";
import { writeFileDurably } from "@pratique/store";
import { z } from "zod";
import { daemonErrors } from "../errors.ts";
import type { ServerConfig } from "./configured-servers.ts";

const LIMIT_BYTES = 4 * 1024 * 1024;
const AddedFile = z.strictObject({ version: z.literal(1), servers: z.record(z.string(), z.json()) });

export class AddedServers {
  readonly #file: string;
  readonly #turn = new Mutex();
  /** As they were given: defaults that change apply to them too. */
  #servers: ReadonlyMap<string, z.core.util.JSONType> = new Map();

  private constructor(file: string) {
    this.#file = file;
  }

  /** @throws `server.file-damaged` */
  static async open(file: string): Promise<AddedServers> {
    const added = new AddedServers(file);
    const text = await readFile(file, "utf8").catch((error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT") return undefined;
      throw error;
    });
    if (text === undefined) return added;
    try {
      if (text.length > LIMIT_BYTES) throw new RangeError("it is too large");
      added.#servers = new Map(Object.entries(AddedFile.parse(JSON.parse(text)).servers));
    } catch (cause) {
      throw daemonErrors("server.file-damaged", { file }, { cause });
    }
    return added;
  }

  has(name: string): boolean {
    return this.#servers.has(name);
  }

  /** What cannot be read any more is left out, and said. */
  all(): { readonly name: string; readonly server: ServerConfig | undefined }[] {
    return [...this.#servers].map(([name, value]) => ({ name, server: GatewayServerConfig.safeParse(value).data }));
  }

  /** Durable when it resolves. */
  async add(name: string, server: z.core.util.JSONType): Promise<void> {
    await this.#write((servers) => servers.set(name, server));
  }

  async remove(name: string): Promise<void> {
    await this.#write((servers) => servers.delete(name));
  }

  async #write(change: (servers: Map<string, z.core.util.JSONType>) => void): Promise<void> {
    await this.#turn.run(async () => {
      const servers = new Map(this.#servers);
      change(servers);
      const file: JsonObject = { version: 1, servers: Object.fromEntries(servers) };
      await writeFileDurably(this.#file, `${JSON.stringify(file, null, 2)}\n`);
      this.#servers = servers;
    });
  }
}
