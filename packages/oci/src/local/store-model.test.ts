// The content store on disk against a model of it.
import { manualClock, silentLog } from "@pratique/core";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { checkStoreModel, pooledDigests } from "../store-model.fixture.ts";
import { openContentStore } from "./content-store.ts";

it("does what its model does", { timeout: 120_000 }, async () => {
  await checkStoreModel(async () => {
    const root = await mkdtemp(join(tmpdir(), "pratique-model-"));
    return {
      open: () => openContentStore(root, { clock: manualClock(), log: silentLog }),
      async done(models) {
        const pooled = await readdir(join(root, ".pool", "sha256"));
        expect(pooled.map((hex) => `sha256:${hex}`).sort()).toEqual(pooledDigests(models));
        await rm(root, { recursive: true });
      },
    };
  }, 40);
});
