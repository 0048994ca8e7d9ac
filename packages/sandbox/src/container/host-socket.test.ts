// The host's end of a container, and a server that speaks its protocol itself.
import { mkdtemp, rm } from "node:fs/promises";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { HostSocket } from "./host-socket.ts";

let directory = "";
let host: HostSocket;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "pratique-host-"));
  host = await HostSocket.open(join(directory, "host"), "none");
});
afterEach(async () => {
  vi.useRealTimers();
  await host.close();
  await rm(directory, { recursive: true, force: true });
});

async function inside(first: string): Promise<Socket> {
  return await new Promise((resolve) => {
    const socket = connect(join(directory, "host"), () => socket.write(first, () => resolve(socket)));
    socket.on("error", () => undefined);
  });
}

it("does not wait for a server that offers a connection and never answers", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  const socket = await inside("I");
  const connecting = host.connect();
  await new Promise((resolve) => socket.once("data", resolve));
  vi.advanceTimersByTime(10_000);
  await expect(connecting).rejects.toThrow("does not listen");
});

it.each([
  ["egress where there is none", "E\u0000"],
  ["something else", "X"],
  ["a second life", "L"],
])("ends a connection that asks for %s", async (_, first) => {
  const life = await inside("L");
  const socket = await inside(first);
  await new Promise((resolve) => socket.resume().once("close", resolve));
  expect(life.destroyed).toBe(false);
  life.destroy();
});
