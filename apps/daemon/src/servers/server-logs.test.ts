// What servers say, without secrets.
import { PassThrough } from "node:stream";
import { finished } from "node:stream/promises";
import { systemClock } from "@pratique/core";
import { expect, it } from "vitest";
import { ServerLogs } from "./server-logs.ts";

async function said(...chunks: string[]): Promise<string[]> {
  const logs = new ServerLogs(systemClock);
  const stream = new PassThrough();
  logs.follow("s", "p", stream, new Map([["key", "open sesame"]]));
  for (const chunk of chunks) stream.write(chunk);
  stream.end();
  await finished(stream);
  return logs.of("s").map(({ text }) => text);
}

it("keeps lines, also the last one, without what moves a cursor", async () => {
  expect(await said("one\r\ntw", "o\n\u001b[31mred\u001b[0m\u0007\nlast")).toEqual(["one", "two", "red", "last"]);
});

it("takes a secret out however it is cut", async () => {
  expect(await said("say open ses", "ame now\n")).toEqual(["say «secret:key» now"]);
});

it("shows a line without end not at all, and goes on", async () => {
  expect(await said("x".repeat(70_000), `${"open sesame".repeat(7000)}`, "\nnext\n")).toEqual([
    "(a line that is too long)",
    "next",
  ]);
});

it("keeps the last 1,000", async () => {
  const lines = await said(Array.from({ length: 1500 }, (_, at) => `line ${at}\n`).join(""));
  expect([lines.length, lines[0], lines.at(-1)]).toEqual([1000, "line 500", "line 1499"]);
});
