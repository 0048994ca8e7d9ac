// The name in a TLS client's first bytes.
import { Duplex } from "node:stream";
import { connect } from "node:tls";
import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { serverName } from "./server-name.ts";

/** What Node's own TLS sends first. */
async function hello(servername: string | undefined): Promise<Buffer> {
  return await new Promise((resolve) => {
    const wire = new Duplex({ read: () => undefined, write: (chunk: Buffer, _, done) => (resolve(chunk), done()) });
    connect({ socket: wire, ...(servername === undefined ? {} : { servername }) }).on("error", () => undefined);
  });
}

/** The same handshake message in records of at most `size` bytes. */
function inRecords(bytes: Buffer, size: number): Buffer {
  const message = bytes.subarray(5);
  const records: Buffer[] = [];
  for (let at = 0; at < message.length; at += size) {
    const part = message.subarray(at, at + size);
    const head = Buffer.from([22, 3, 1, 0, 0]);
    head.writeUInt16BE(part.length, 3);
    records.push(head, part);
  }
  return Buffer.concat(records);
}

let named: Buffer;
let nameless: Buffer;
beforeAll(async () => {
  [named, nameless] = [await hello("api.example.com"), await hello(undefined)];
});

describe("a server name", () => {
  it("is read from a real hello, and its absence too", () => {
    expect(serverName(named)).toEqual({ type: "tls", name: "api.example.com" });
    expect(serverName(nameless)).toEqual({ type: "tls", name: undefined });
  });

  it("is the same however the hello is cut into records, and is waited for", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 600 }), fc.double({ min: 0, max: 1, noNaN: true }), (size, part) => {
        const bytes = inRecords(named, size);
        expect(serverName(bytes)).toEqual({ type: "tls", name: "api.example.com" });
        const cut = bytes.subarray(0, Math.floor(part * (bytes.length - 1)));
        expect(serverName(cut)).toEqual({ type: "incomplete" });
      }),
    );
  });

  it("is never found where a byte was changed without being told from the true one", () => {
    fc.assert(
      fc.property(fc.nat(named.length - 1), fc.nat(255), (at, byte) => {
        const bytes = Buffer.from(named);
        bytes[at] = byte;
        const found = serverName(bytes);
        expect(["tls", "not-tls", "incomplete"]).toContain(found.type);
      }),
      { numRuns: 500 },
    );
  });

  it.each([
    ["GET / HTTP/1.1\r\n\r\n", "not-tls"],
    ["\u0000\u0001\u0002\u0003", "not-tls"],
    ["", "incomplete"],
    ["\u0016\u0003\u0001\u0000\u0000", "not-tls"],
    ["\u0016\u0003\u0001\u0000\u0004\u0002\u0000\u0000\u0000", "not-tls"],
  ])("%j is %s", (text, type) => {
    expect(serverName(Buffer.from(text, "latin1")).type).toBe(type);
  });

  it("is refused when there are two", () => {
    const at = named.indexOf("api.example.com") - 9;
    const extension = named.subarray(at, at + 9 + 15);
    const twice = Buffer.concat([named.subarray(0, at), extension, named.subarray(at)]);
    // Lengths of the record, the message and the extensions.
    twice.writeUInt16BE(twice.readUInt16BE(3) + extension.length, 3);
    twice.writeUIntBE(twice.readUIntBE(6, 3) + extension.length, 6, 3);
    const lengthAt = extensionsLengthAt(named);
    twice.writeUInt16BE(twice.readUInt16BE(lengthAt) + extension.length, lengthAt);
    expect(serverName(twice)).toEqual({ type: "not-tls" });
  });

  it("is not looked for in records without end", () => {
    const many = Buffer.concat(
      Array.from({ length: 10_000 }, (_, at) => Buffer.from([22, 3, 1, 0, 1, [1, 0, 0xff, 0xf0][at] ?? 0])),
    );
    expect(serverName(many)).toEqual({ type: "not-tls" });
  });

  it("never throws", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        serverName(bytes);
        serverName(Buffer.concat([Buffer.from([22, 3, 1, 1, 0, 1, 0, 0, 252]), bytes]));
      }),
    );
  });
});

function extensionsLengthAt(bytes: Buffer): number {
  let at = 5 + 4 + 2 + 32;
  at += 1 + bytes[at]!;
  at += 2 + bytes.readUInt16BE(at);
  return at + 1 + bytes[at]!;
}
