// The journal of a partial file, and the plan of what is missing.
import { digestOf } from "@pratique/core";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { BLOCK_BYTES, blockCount, decodeJournal, encodeBlockRecord, encodeJournalHeader } from "./block-journal.ts";
import { CHUNK_BYTES, missingRuns, splitRun } from "./plan-parts.ts";

const digest = digestOf("content");
const sizes = fc.integer({ min: 0, max: 3 * CHUNK_BYTES });
const uint32 = fc.integer({ min: 0, max: 0xffffffff });

describe("journal", () => {
  it("gives back what was written, whatever is torn off at its end", () => {
    const records = fc.array(fc.tuple(fc.integer({ min: 0, max: 99 }), uint32), { maxLength: 40 });
    fc.assert(
      fc.property(records, fc.nat(11), (written, torn) => {
        const size = 100 * BLOCK_BYTES;
        const header = encodeJournalHeader(digest, size);
        const whole = Buffer.concat([header, ...written.map(([block, sum]) => encodeBlockRecord(block, sum))]);
        const kept = written.length === 0 ? written : torn === 0 ? written : written.slice(0, -1);
        const bytes = written.length === 0 ? whole : whole.subarray(0, whole.length - torn);
        const journal = decodeJournal(bytes, digest, size);
        expect(journal?.blocks).toEqual(new Map(kept));
        expect(journal?.end).toBe(header.length + kept.length * 12);
      }),
    );
  });

  it("believes no damaged record, and none of another blob", () => {
    fc.assert(
      fc.property(uint32, fc.nat(11), fc.integer({ min: 1, max: 255 }), (sum, at, change) => {
        const header = encodeJournalHeader(digest, BLOCK_BYTES);
        const record = encodeBlockRecord(0, sum);
        record[at] = record[at]! ^ change;
        expect(decodeJournal(Buffer.concat([header, record]), digest, BLOCK_BYTES)?.blocks.size).toBe(0);
      }),
    );
    const other = encodeJournalHeader(digestOf("other"), 10);
    expect(decodeJournal(other, digest, 10)).toBeUndefined();
    expect(decodeJournal(Buffer.alloc(0), digest, 10)).toBeUndefined();
  });
});

it("plans every missing block once, in order, and shares it out without loss", () => {
  const blocksOf = (runs: readonly { next: number; end: number }[]): number[] =>
    runs.flatMap(({ next, end }) => Array.from({ length: end - next }, (_, at) => next + at));
  fc.assert(
    fc.property(sizes, fc.array(fc.nat(200), { maxLength: 60 }), (size, there) => {
      const present = new Set(there);
      const runs = missingRuns(size, (block) => present.has(block));
      const missing = Array.from({ length: blockCount(size) }, (_, block) => block).filter((one) => !present.has(one));
      expect(blocksOf(runs)).toEqual(missing);
      for (let half = splitRun(runs); half !== undefined; half = splitRun(runs)) runs.push(half);
      expect(blocksOf(runs).toSorted((one, other) => one - other)).toEqual(missing);
    }),
  );
});
