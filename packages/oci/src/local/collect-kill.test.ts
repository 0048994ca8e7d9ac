// `kill -9` in the middle of collection: what is needed is whole, and the next collection takes the rest.
import { manualClock, silentLog } from "@pratique/core";
import { randomInt } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { COLLECTED_REPOSITORIES, runCollector } from "../../../../test/fakes/registry-collector.ts";
import { openContentStore } from "./content-store.ts";

const KILLS = 15;
const HOUR = 3_600_000;

it(`loses nothing that is needed through ${KILLS} kills`, { timeout: 300_000 }, async () => {
  const home = await mkdtemp(join(tmpdir(), "pratique-collect-kill-"));
  const root = join(home, "registry");
  const kept: string[] = [];
  for (let round = 0; round < KILLS; round += 1) {
    kept.push(...(await runCollector(root, round, randomInt(2, 12))));
    const clock = manualClock(new Date());
    const store = await openContentStore(root, { clock, log: silentLog });
    // Reads everything, and holds it against every manifest.
    expect(await store.scrub({})).toMatchObject({ findings: [] });
    const tags = await Promise.all(
      COLLECTED_REPOSITORIES.map(async (name) => (await store.repository(name).tags()).map((tag) => `${name}:${tag}`)),
    );
    expect(kept.filter((tag) => !tags.flat().includes(tag))).toEqual([]);
    clock.advance(2 * HOUR);
    expect(await store.collect({ graceMs: HOUR })).toMatchObject({ skipped: [] });
    expect(await store.collect({ graceMs: HOUR })).toMatchObject({
      removed: { blobs: 0, uploads: 0, partialFiles: 0 },
    });
    expect(await store.scrub({})).toMatchObject({ findings: [] });
    await store.close();
    // As after a crash: nothing is known of what was said.
    await rm(join(root, ".leases.json"));
  }
  expect(kept.length).toBeGreaterThan(KILLS);
  await rm(home, { recursive: true });
});
