// However a stream breaks and is taken up again, its client has every message once and in order, as long as it is kept.
import { EventEmitter } from "node:events";
import type { ServerResponse } from "node:http";
import fc from "fast-check";
import { expect, it } from "vitest";
import { EVENT_LIMIT } from "../front-limits.ts";
import { EventPool, EventStore } from "./event-store.ts";
import { readEventId } from "./event-stream.ts";

/** A connection whose last bytes may be lost with it. */
class Wire extends EventEmitter {
  text = "";
  writableLength = 0;
  isOver = false;

  writeHead(): this {
    return this;
  }

  flushHeaders(): void {}

  write(text: string): boolean {
    if (!this.isOver) this.text += text;
    return true;
  }

  end(): void {
    this.isOver = true;
  }

  destroy(): void {
    this.end();
    this.emit("close");
  }

  /** Breaks, and with it all but the first `share` of what was written. */
  break(share: number): void {
    this.text = this.text.slice(0, Math.floor(this.text.length * share));
    this.destroy();
  }
}

const asResponse = (wire: Wire): ServerResponse => wire as unknown as ServerResponse;

/** Whole events only: a client drops what broke off in the middle. */
function heard(text: string): { id: string; data: string }[] {
  const frames = text.split("\n\n").slice(0, -1);
  return frames.flatMap((frame) => {
    const id = /^id: (\S+)$/m.exec(frame)?.[1];
    return id === undefined ? [] : [{ id, data: /^data: (.*)$/m.exec(frame)?.[1] ?? "" }];
  });
}

it("gives every message once, in order, over any breaks", () => {
  const steps = fc.array(
    fc.oneof(
      { weight: 4, arbitrary: fc.constant({ do: "send" as const }) },
      {
        weight: 2,
        arbitrary: fc.record({ do: fc.constant("break" as const), share: fc.double({ min: 0, max: 1, noNaN: true }) }),
      },
      { weight: 2, arbitrary: fc.constant({ do: "return" as const }) },
    ),
    { maxLength: 60 },
  );
  fc.assert(
    fc.property(steps, (list) => {
      const stream = new EventStore(new EventPool(), "a").open();
      let wire: Wire | undefined = new Wire();
      stream.attach(asResponse(wire), { after: undefined, isPrimed: true });
      const got: { id: string; data: string }[] = [];
      let sent = 0;
      const leave = (share: number): void => {
        if (wire === undefined) return;
        wire.break(share);
        got.push(...heard(wire.text));
        wire = undefined;
      };
      const comeBack = (): void => {
        if (wire !== undefined) return;
        wire = new Wire();
        const last = got.at(-1);
        // A client that never had an event has no id to come back with.
        const after = last === undefined ? 0 : readEventId(last.id)!.sequence;
        stream.attach(asResponse(wire), { after, isPrimed: true });
      };
      for (const step of list) {
        if (step.do === "send") stream.send({ n: (sent += 1) });
        else if (step.do === "break") leave(step.share);
        else comeBack();
      }
      comeBack();
      stream.end();
      leave(1);
      const numbers = got.filter(({ data }) => data !== "").map(({ data }) => (JSON.parse(data) as { n: number }).n);
      expect(numbers).toEqual(Array.from({ length: sent }, (_, index) => index + 1));
    }),
  );
});

it("keeps what nobody heard for whoever opens the stream anew", () => {
  const stream = new EventStore(new EventPool(), "a").open();
  const first = new Wire();
  stream.attach(asResponse(first), { after: undefined, isPrimed: false });
  stream.send({ n: 1 });
  first.destroy();
  stream.send({ n: 2 });
  const second = new Wire();
  stream.attach(asResponse(second), { after: undefined, isPrimed: false });
  expect(heard(second.text).map(({ data }) => data)).toEqual(['{"n":2}']);
});

it("keeps no more than it may, the oldest of what ended going first", () => {
  const pool = new EventPool(10_000);
  const store = new EventStore(pool, "a");
  const [ended, live] = [store.open(), store.open()];
  for (let n = 0; n < 100; n++) ended.send({ n, pad: "x".repeat(50) });
  ended.end();
  for (let n = 0; n < 100; n++) live.send({ n, pad: "x".repeat(80) });
  expect(pool.bytes).toBeLessThanOrEqual(10_000);
  expect(ended.kept).toBeLessThan(10);
  expect(live.kept).toBe(100);
  for (let n = 0; n < EVENT_LIMIT * 2; n++) live.send({ n });
  expect(live.kept).toBeLessThanOrEqual(EVENT_LIMIT);
  store.close();
  expect(pool.bytes).toBe(0);
});

it("keeps what one principal may ask for again, however much another has", () => {
  const pool = new EventPool(10_000);
  const honest = new EventStore(pool, "honest");
  const kept = honest.open();
  for (let n = 0; n < 20; n++) kept.send({ n, pad: "x".repeat(50) });
  for (let session = 0; session < 5; session++) {
    const greedy = new EventStore(pool, "greedy").open();
    for (let n = 0; n < 200; n++) greedy.send({ n, pad: "x".repeat(80) });
  }
  expect(kept.kept).toBe(20);
  kept.send({ n: 20 });
  expect(kept.kept).toBe(21);
  expect(pool.bytes).toBeLessThanOrEqual(10_000);
});

it("reads its own ids only", () => {
  expect(readEventId("a1.7")).toEqual({ stream: "a1", sequence: 7 });
  for (const text of ["", "a1", "a1.", ".7", "a1.-1", "A.1", "a.1 ", "a.1.2", `a.${"9".repeat(40)}`])
    expect(readEventId(text)).toBeUndefined();
});
