// Bodies that go round node:http: the same bytes, the same ends.
import { digestOf } from "@pratique/core";
import { createHash, randomBytes } from "node:crypto";
import { connect, type Socket } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { BULK_BYTES } from "./bulk-request-body.ts";
import { startRegistry, type TestRegistry } from "./registry.fixture.ts";

let registry: TestRegistry;
let impatient: TestRegistry;
beforeAll(async () => {
  registry = await startRegistry();
  impatient = await startRegistry({ limits: { idleMs: 600 } });
});
afterAll(() => Promise.all([registry.stop(), impatient.stop()]));

const noise = randomBytes(BULK_BYTES + 1_234_567);
const digest = digestOf(noise);

interface Sent {
  readonly socket: Socket;
  readonly answer: Promise<string>;
}

/** A request over a raw connection, so that its end can be chosen. */
function send(method: string, path: string, lengthBytes: number, to = registry): Sent {
  const socket = connect(to.port, "127.0.0.1");
  let text = "";
  socket.setEncoding("latin1").on("data", (part: string) => (text += part));
  socket.on("error", () => undefined);
  const answer = new Promise<string>((done) => socket.on("close", () => done(text)));
  socket.write(`${method} ${path} HTTP/1.1\r\nHost: x\r\nX-Test-As: owner\r\nContent-Length: ${lengthBytes}\r\n\r\n`);
  return { socket, answer };
}

async function begin(name: string, at = registry): Promise<string> {
  const { headers } = await at.call("POST", `/v2/${name}/blobs/uploads/`);
  return headers.location!;
}

/** The end of a connection and the last write after it are not told to us: asks until it is there. */
async function untilRange(at: TestRegistry, location: string, range: string): Promise<void> {
  for (;;) if ((await at.call("GET", location)).headers.range === range) return;
}

async function digestThere(name: string, blob: string): Promise<string> {
  const { body } = await registry.call("GET", `/v2/${name}/blobs/${blob}`);
  return `sha256:${createHash("sha256").update(body).digest("hex")}`;
}

describe("a large body", () => {
  it("is taken in one PUT, and the connection ends with the answer", async () => {
    const { socket, answer } = send("PUT", `${await begin("bulk/put")}?digest=${digest}`, noise.length);
    socket.write(noise);
    const text = await answer;
    expect(text).toMatch(/^HTTP\/1\.1 201 /);
    expect(text).toMatch(/^Connection: close\r$/m);
    expect(await digestThere("bulk/put", digest)).toBe(digest);
  });

  it("comes in pieces of any size, before and after its head was read", async () => {
    const { socket, answer } = send("POST", `/v2/bulk/post/blobs/uploads/?digest=${digest}`, noise.length);
    for (let from = 0, step = 1; from < noise.length; from += step, step = (step * 7 + 13) % 400_009) {
      if (!socket.write(noise.subarray(from, from + step))) await new Promise((done) => socket.once("drain", done));
    }
    expect(await answer).toMatch(/^HTTP\/1\.1 201 /);
    expect(await digestThere("bulk/post", digest)).toBe(digest);
  });

  it("keeps what came before the client went away, and goes on from there", async () => {
    const location = await begin("bulk/resumed");
    const { socket, answer } = send("PATCH", location, noise.length);
    const cut = BULK_BYTES / 2 + 4321;
    await new Promise((done) => socket.write(noise.subarray(0, cut), done));
    socket.end();
    await answer;
    await untilRange(registry, location, `0-${cut - 1}`);
    const rest = await registry.call("PATCH", location, { body: noise.subarray(cut) });
    expect(rest.status).toBe(202);
    expect((await registry.call("PUT", `${location}?digest=${digest}`)).status).toBe(201);
    expect(await digestThere("bulk/resumed", digest)).toBe(digest);
  });

  it("is given up when it stalls, and keeps what came", async () => {
    const location = await begin("bulk/stalled", impatient);
    const { socket, answer } = send("PATCH", location, noise.length, impatient);
    socket.write(noise.subarray(0, 3_000_000));
    await answer;
    await untilRange(impatient, location, "0-2999999");
  });

  it("leaves nothing behind with a wrong digest, and says so", async () => {
    const wrong = digestOf("something else");
    const { socket, answer } = send("PUT", `${await begin("bulk/wrong")}?digest=${wrong}`, noise.length);
    socket.write(noise);
    const text = await answer;
    expect(text).toMatch(/^HTTP\/1\.1 400 /);
    expect(text).toContain("DIGEST_INVALID");
    expect((await registry.call("HEAD", `/v2/bulk/wrong/blobs/${wrong}`)).status).toBe(404);
  });

  it("ends at its announced length, whatever follows", async () => {
    const { socket, answer } = send("PUT", `${await begin("bulk/more")}?digest=${digest}`, noise.length);
    socket.write(noise);
    socket.write("GET /v2/ HTTP/1.1\r\nHost: x\r\n\r\n".repeat(20_000));
    const text = await answer;
    expect(text.match(/HTTP\/1\.1 /g)).toHaveLength(1);
    expect(text).toMatch(/^HTTP\/1\.1 201 /);
  });

  it("never mixes with the bytes of others, when buffers go from hand to hand", async () => {
    const bodies = Array.from({ length: 4 }, (_, index) => {
      const body = Buffer.from(noise);
      body.fill(index, 0, 300_000);
      return body;
    });
    const work = bodies.map(async (body, index) => {
      const own = digestOf(body);
      const name = `bulk/many${index % 2}`;
      const isBroken = index === 2;
      const { socket, answer } = send("PUT", `${await begin(name)}?digest=${own}`, body.length);
      if (isBroken) {
        socket.write(body.subarray(0, 5_000_000 + index), () => socket.destroy());
        await answer;
        return;
      }
      socket.write(body);
      expect(await answer).toMatch(/^HTTP\/1\.1 201 /);
      const pulls = [1, 2].map(() => digestThere(name, own));
      expect(await Promise.all(pulls)).toEqual([own, own]);
    });
    await Promise.all(work);
  });
});
