// A template's records are byte for byte those that are encoded whole.
import type { RecordBody } from "@pratique/contracts";
import * as fc from "fast-check";
import { expect, it } from "vitest";
import { checkBody, decodeRecord, encodeRecord } from "./entry.ts";
import { bodyOf } from "./log.fixture.ts";
import { RecordTemplate } from "./record-template.ts";

const text = fc.string({ unit: "grapheme", maxLength: 40 });
/** As JSON has it: −0 is written as 0. */
const json = fc.jsonValue({ maxDepth: 2 }).map((value): unknown => JSON.parse(JSON.stringify(value)));

it("encodes as the whole record does", () => {
  const body = fc.record(
    { reason: text, remedy: text, run: text, details: fc.dictionary(text, json) },
    { requiredKeys: ["reason"] },
  );
  fc.assert(
    fc.property(body, fc.nat(), fc.nat(), fc.uuid(), (more, durationMs, sequence, id) => {
      const whole = { ...bodyOf(1), ...more, durationMs } as RecordBody;
      const stamp = { id, sequence, time: "2026-01-01T00:00:00.000Z" };
      const { record, entry } = new RecordTemplate({ ...whole, durationMs: 0 }).encode(durationMs, stamp);
      const expected = encodeRecord(checkBody(whole), stamp);
      expect(entry.toString()).toBe(expected.entry.toString());
      expect(record).toEqual(expected.record);
      expect(decodeRecord(entry, sequence, "test")).toEqual(expected.record);
    }),
  );
});

it("cuts what is too large, and refuses what is no duration", () => {
  const template = new RecordTemplate({ ...bodyOf(1), details: { text: "x".repeat(70_000) } });
  const stamp = { id: "r", sequence: 1, time: "2026-01-01T00:00:00.000Z" };
  expect(template.encode(1, stamp).record.details).toMatchObject({ omitted: true });
  expect(() => template.encode(Number.NaN, stamp)).toThrow(expect.objectContaining({ code: "audit.bad-record" }));
});
