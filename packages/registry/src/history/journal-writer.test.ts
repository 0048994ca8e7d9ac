import { silentLog } from "@pratique/core";
import type { JournalBatch, RegistryJournal } from "@pratique/store";
import { expect, it } from "vitest";
import { JournalWriter } from "./journal-writer.ts";

/** Keeps what was written; fails as often as it is told to. */
function writer(failures: number): { writer: JournalWriter; written: JournalBatch[] } {
  const written: JournalBatch[] = [];
  let left = failures;
  const write = async (batch: JournalBatch): Promise<void> => {
    await new Promise((resolve) => setImmediate(resolve));
    if (left-- > 0) throw new Error("disk full");
    written.push(batch);
  };
  const journal: Pick<RegistryJournal, "write"> = { write };
  return { writer: new JournalWriter(journal, silentLog, () => undefined), written };
}

it("writes in one transaction what comes at the same time", async () => {
  const { writer: to, written } = writer(0);
  to.later({ done: ["0"] });
  await Promise.all(["1", "2", "3"].map((id) => to.write({ done: [id] })));
  expect(written.map(({ done }) => done)).toEqual([["0", "1", "2", "3"]]);
  await Promise.all([to.write({ done: ["4"] }), to.flush()]);
  expect(written.length).toBe(2);
});

it("writes in one transaction what comes in one turn of the loop, as pushes at the same time do", async () => {
  const { writer: to, written } = writer(0);
  const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  await Promise.all(["1", "2", "3"].map((id) => turn().then(() => to.write({ done: [id] }))));
  expect(written.map(({ done }) => done)).toEqual([["1", "2", "3"]]);
});

it("tells whoever waits of a failure, and writes the rest next time", async () => {
  const { writer: to, written } = writer(1);
  to.later({ done: ["lazy"] });
  await expect(to.write({ done: ["lost"] })).rejects.toThrow("disk full");
  await to.write({ done: ["next"] });
  await to.flush();
  expect(written.flatMap(({ done }) => done)).toEqual(["lazy", "next"]);
});

it("does not hang on a journal that cannot be written", async () => {
  const { writer: to, written } = writer(1);
  to.later({ done: ["lazy"] });
  await to.flush();
  expect(written).toEqual([]);
  await to.flush();
  expect(written.map(({ done }) => done)).toEqual([["lazy"]]);
});
