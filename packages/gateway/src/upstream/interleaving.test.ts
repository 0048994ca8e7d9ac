// Whatever order and pieces messages come in, each answer reaches the request that it belongs to.
import type { JsonObject } from "@pratique/core";
import fc from "fast-check";
import { expect, it } from "vitest";
import {
  httpFake,
  MODERN_HELLO,
  legacyServer,
  openTestUpstream,
  replyTo,
  scriptedPeers,
  sendJson,
  toolCall,
  type Message,
} from "./upstream.fixture.ts";

/** Lines that a server may print and that mean nothing to anybody. */
const junk = fc.oneof(
  fc.constantFrom(
    "",
    "{",
    "null",
    "[]",
    '{"jsonrpc":"2.0"}',
    '{"jsonrpc":"2.0","id":null,"result":{}}',
    '{"id":1,"result":{}}',
  ),
  fc.constantFrom(
    '{"jsonrpc":"2.0","id":[],"method":"x"}',
    '{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":{}}}',
  ),
  fc.constantFrom(
    '{"jsonrpc":"2.0","id":99999,"error":{"code":1,"message":"x"}}',
    '{"jsonrpc":"2.0","method":"__proto__","params":[]}',
  ),
  fc.string().map((text) => text.replaceAll("\n", "")),
  fc.json().map((text) => text.replaceAll("\n", "")),
);

it("on one channel: answers in any order, between junk, in pieces of any size", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.shuffledSubarray([0, 1, 2, 3, 4], { minLength: 5 }),
      fc.array(junk, { maxLength: 6 }),
      fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 8 }),
      async (order, lines, sizes) => {
        const calls: Message[] = [];
        const peers = scriptedPeers(
          legacyServer((message) => {
            if (message.method !== "tools/call") return undefined;
            calls.push(message);
            if (calls.length < order.length) return undefined;
            const answers = order.flatMap((index) => {
              const call = calls[index];
              const said = call === undefined ? {} : { name: call.params["name"], text: "ä\u2028€" };
              return [lines[index] ?? "", JSON.stringify(replyTo(call ?? message, said))];
            });
            const text = `${answers.join("\n")}\n`;
            for (let at = 0, piece = 0; at < text.length; piece++) {
              const size = sizes[piece % sizes.length] ?? 1;
              for (const peer of peers.running) peer.write(text.slice(at, at + size));
              at += size;
            }
            return undefined;
          }),
        );
        const { upstream } = openTestUpstream(peers.transport, {}, { scope: "p" });
        const answers = await Promise.all(order.map((_, index) => upstream.send(toolCall(`t${index}`))));
        expect(answers.map(({ name }) => name)).toEqual(order.map((_, index) => `t${index}`));
        await upstream.close();
      },
    ),
    { numRuns: 60 },
  );
});

it("on a stream: an answer among events, comments and fields of any kind, with any line ends, in pieces of any size", async () => {
  let write: (message: Message) => { text: string; sizes: readonly number[] } = () => ({ text: "", sizes: [1] });
  const fake = await httpFake(({ message }, res) => {
    if (message === undefined) return void res.writeHead(405).end();
    if (message.method === "server/discover") return sendJson(res, replyTo(message, MODERN_HELLO));
    if (message.method !== "tools/call")
      return sendJson(res, replyTo(message, { code: -32_601, message: "" }), {}, 404);
    const { text, sizes } = write(message);
    const bytes = Buffer.from(text);
    res.writeHead(200, { "content-type": "text/event-stream; charset=utf-8" });
    for (let at = 0, piece = 0; at < bytes.length; piece++) {
      const size = sizes[piece % sizes.length] ?? 1;
      res.write(bytes.subarray(at, at + size));
      at += size;
    }
    return void res.end();
  });
  const { upstream } = openTestUpstream({ type: "http", url: fake.url });
  const field = fc.constantFrom(
    ": ping",
    "event: other",
    "id: 1",
    "retry: 10",
    "retry: x",
    "data: {",
    "unknown: 1",
    "",
    "data",
  );
  await fc.assert(
    fc.asyncProperty(
      fc.array(field, { maxLength: 8 }),
      fc.constantFrom("\n", "\r\n", "\r"),
      fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1, maxLength: 6 }),
      async (fields, end, sizes) => {
        const said: JsonObject = { content: [], text: "ä€\u{1f600}" };
        write = (message) => {
          const data = JSON.stringify(replyTo(message, said), undefined, 1).split("\n");
          const lines = [...fields, "", "event: message", ...data.map((line) => `data: ${line}`), "", ""];
          return { text: lines.join(end), sizes };
        };
        expect(await upstream.send(toolCall("a"))).toEqual(said);
      },
    ),
    { numRuns: 60 },
  );
});

it("never takes one stream's answer for another's, when a server mixes ids up", async () => {
  const fake = await httpFake(({ message }, res) => {
    if (message === undefined) return void res.writeHead(405).end();
    if (message.method === "server/discover") return sendJson(res, replyTo(message, MODERN_HELLO));
    return sendJson(res, { jsonrpc: "2.0", id: Number(message.id) + 1, result: { content: [] } });
  });
  const { upstream } = openTestUpstream({ type: "http", url: fake.url });
  await expect(upstream.send(toolCall("a"))).rejects.toMatchObject({ code: "gateway.call-failed" });
});
