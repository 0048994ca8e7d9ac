import fc from "fast-check";
import { expect, it } from "vitest";
import { manualClock } from "./clock.ts";
import { uuidv7 } from "./ids.ts";
import { canonicalJson } from "./json.ts";
import { jsonLog } from "./log.ts";
import { Mutex, SingleFlight } from "./mutex.ts";
import { defineErrors, isPratiqueError, PratiqueError } from "./pratique-error.ts";
import { readBounded } from "./streams.ts";

it("makes ids that sort by time and say their version", () => {
  const clock = manualClock("2026-01-01T00:00:00Z");
  const first = uuidv7(clock);
  clock.advance(1);
  const second = uuidv7(clock);
  expect(first < second).toBe(true);
  expect(first).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
});

it("writes JSON in one way only (RFC 8785)", () => {
  expect(canonicalJson({ b: 1, a: [1, "ü", null, 1e21] })).toBe('{"a":[1,"ü",null,1e+21],"b":1}');
});

it("reads up to the limit and not a byte more", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.uint8Array({ maxLength: 20 }), { maxLength: 20 }),
      fc.nat(200),
      async (chunks, limit) => {
        const whole = Buffer.concat(chunks);
        async function* source() {
          yield* chunks;
        }
        const reading = readBounded(source(), limit);
        const outcome = await reading.then(
          (bytes) => bytes.toString("hex"),
          (error: { code: string }) => error.code,
        );
        expect(outcome).toBe(whole.length <= limit ? whole.toString("hex") : "input.too-large");
      },
    ),
  );
});

it("runs tasks in the order they came, and goes on after one fails", async () => {
  const mutex = new Mutex();
  const order: number[] = [];
  const tasks = [1, 2, 3].map((number) =>
    mutex.run(async () => {
      await Promise.resolve();
      order.push(number);
      if (number === 2) throw new Error("two");
    }),
  );
  await Promise.allSettled(tasks);
  expect(order).toEqual([1, 2, 3]);
});

it("does one thing once for all who ask meanwhile, and again afterwards", async () => {
  const flight = new SingleFlight<number>();
  let runs = 0;
  const ask = () => flight.run("key", async () => ++runs);
  expect(await Promise.all([ask(), ask()])).toEqual([1, 1]);
  expect(await ask()).toBe(2);
});

it("fills an error's text and hint, and keeps its code and cause", () => {
  const errors = defineErrors({ "thing.missing": { status: 404, text: "no {what}", hint: "make {what}" } });
  const cause = new Error("why");
  const error = errors("thing.missing", { what: "boat" }, { cause });
  expect(error).toBeInstanceOf(PratiqueError);
  expect([error.code, error.message, error.hint, error.status, error.cause]).toEqual([
    "thing.missing",
    "no boat",
    "make boat",
    404,
    cause,
  ]);
  expect(isPratiqueError(error, "thing.missing")).toBe(true);
});

it("logs JSON lines of at least its level, without secrets", () => {
  const lines: string[] = [];
  const log = jsonLog((line) => void lines.push(line), manualClock(), "warn");
  log.info("quiet");
  log.error("loud", { token: "prq_secret-secret-secret-secret" });
  expect(lines).toHaveLength(1);
  expect(JSON.parse(lines[0]!)).toMatchObject({ level: "error", message: "loud" });
  expect(lines[0]).not.toContain("secret-secret");
});
