// The host's end of a container: one Unix socket, over which it is alive, connects out, and is connected to.
import { createServer, type Server, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { SandboxSpec } from "../sandbox.ts";
import type { HostPort } from "../egress/allow-list.ts";
import { within } from "../within.ts";
import { tunnels } from "./tunnels.ts";

/** First bytes, as guest/init/init.c writes them. */
const LIFE = 0x4c;
const RUNNING = 0x52;
const EGRESS = 0x45;
const INGRESS = 0x49;
const GO = "G";
const CONNECTED = 0x43;
const CONNECTIONS = 512;
const WAIT_MS = 10_000;

export class HostSocket {
  readonly #server: Server;
  readonly #network: SandboxSpec["network"];
  readonly #tunnels: readonly HostPort[];
  readonly #open = new Set<Socket>();
  /** Connections that wait inside for us to use them. */
  readonly #idle: Socket[] = [];
  readonly #waiting = new Set<(socket: Socket) => void>();
  readonly #running = Promise.withResolvers<void>();
  #hasLife = false;

  static async open(path: string, network: SandboxSpec["network"]): Promise<HostSocket> {
    const host = new HostSocket(network);
    await new Promise<void>((resolve, reject) => {
      host.#server.once("error", reject);
      host.#server.listen(path, () => resolve());
    });
    return host;
  }

  private constructor(network: SandboxSpec["network"]) {
    this.#network = network;
    this.#tunnels = network === "none" ? [] : tunnels(network);
    this.#server = createServer({ allowHalfOpen: true }, (socket) => this.#accept(socket));
  }

  /** Resolves when the sandbox's main program runs. */
  get running(): Promise<void> {
    return this.#running.promise;
  }

  /** A connection to the server's port. @throws when it refuses, or none comes in time */
  async connect(): Promise<Duplex> {
    const socket = this.#takeIdle() ?? (await this.#nextIdle());
    socket.write(GO);
    // Whoever offered it may be the server itself, that never answers.
    const timer = setTimeout(() => socket.destroy(), WAIT_MS);
    const answer = await firstByte(socket);
    clearTimeout(timer);
    if (answer === CONNECTED) return socket;
    socket.destroy();
    throw new Error("the server does not listen");
  }

  /** All connections end, and with the one that says that we live, the sandbox. */
  async close(): Promise<void> {
    for (const socket of this.#open) socket.destroy();
    await within(new Promise<void>((resolve) => this.#server.close(() => resolve())), WAIT_MS);
  }

  #accept(socket: Socket): void {
    socket.on("error", () => socket.destroy());
    if (this.#open.size >= CONNECTIONS) {
      socket.destroy();
      return;
    }
    this.#open.add(socket);
    socket.once("close", () => this.#open.delete(socket));
    void this.#sort(socket);
  }

  async #sort(socket: Socket): Promise<void> {
    const type = await firstByte(socket);
    if (type === LIFE && !this.#hasLife) {
      this.#hasLife = true;
      if ((await firstByte(socket)) === RUNNING) this.#running.resolve();
      socket.resume();
    } else if (type === INGRESS) {
      this.#offer(socket);
    } else if (type === EGRESS && this.#network !== "none") {
      const index = await firstByte(socket);
      const target = index === undefined || index === 0 ? undefined : this.#tunnels[index - 1];
      if (index === undefined || (index > 0 && target === undefined)) socket.destroy();
      else this.#network.handle(socket, target);
    } else socket.destroy();
  }

  #offer(socket: Socket): void {
    const [waiting] = this.#waiting;
    if (waiting !== undefined) {
      waiting(socket);
      return;
    }
    this.#idle.push(socket);
    socket.once("close", () => {
      const at = this.#idle.indexOf(socket);
      if (at >= 0) this.#idle.splice(at, 1);
    });
  }

  #takeIdle(): Socket | undefined {
    for (let socket = this.#idle.shift(); socket !== undefined; socket = this.#idle.shift()) {
      if (!socket.destroyed) return socket;
    }
    return undefined;
  }

  async #nextIdle(): Promise<Socket> {
    return await new Promise((resolve, reject) => {
      const take = (socket: Socket): void => {
        clearTimeout(timer);
        this.#waiting.delete(take);
        resolve(socket);
      };
      const timer = setTimeout(() => {
        this.#waiting.delete(take);
        reject(new Error("the sandbox offers no connection"));
      }, WAIT_MS);
      this.#waiting.add(take);
    });
  }
}

/** Undefined at the end. */
async function firstByte(socket: Socket): Promise<number | undefined> {
  for (;;) {
    const chunk: unknown = socket.read(1);
    if (Buffer.isBuffer(chunk)) return chunk[0];
    if (socket.readableEnded || socket.destroyed) return undefined;
    await new Promise<void>((resolve) => {
      const on = (): void => {
        for (const event of ["readable", "end", "close"]) socket.off(event, on);
        resolve();
      };
      for (const event of ["readable", "end", "close"]) socket.on(event, on);
    });
  }
}
