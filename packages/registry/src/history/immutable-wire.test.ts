import { digestOf } from "@pratique/core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { openHouse, type TestHouse } from "../housekeeping.fixture.ts";
import { codeOf, startRegistry, type TestRegistry } from "../registry.fixture.ts";

let bench: TestHouse;
let registry: TestRegistry;
beforeAll(async () => {
  bench = await openHouse({ config: { immutableTags: [{ repository: "team/**", tags: "v*" }] } });
  registry = await startRegistry({ observer: bench.house.observer, acts: bench.acts });
});
afterAll(async () => {
  await registry.stop();
  await bench.close();
});

it("answers DENIED with the reason to who moves or deletes an immutable tag", async () => {
  const first = await registry.image("team/app", { annotations: { n: "1" } });
  const second = await registry.image("team/app", { annotations: { n: "2" } });
  expect((await registry.pushManifest("team/app", "v1", first)).status).toBe(201);
  expect((await registry.pushManifest("team/app", "v1", first)).status).toBe(201);
  const moved = await registry.pushManifest("team/app", "v1", second);
  const deleted = await registry.call("DELETE", "/v2/team/app/manifests/v1");
  const gone = await registry.call("DELETE", `/v2/team/app/manifests/${digestOf(JSON.stringify(first))}`);
  for (const answer of [moved, deleted, gone]) {
    expect([answer.status, codeOf(answer)]).toEqual([409, "DENIED"]);
    expect(answer.text).toContain("team/app:v1 is immutable");
  }
  const several = await registry.pushManifest("team/app", `${digestOf(JSON.stringify(second))}?tag=w&tag=v1`, second);
  expect(several.status).toBe(409);
  // All tags of one push or none.
  expect((await registry.call("HEAD", "/v2/team/app/manifests/w")).status).toBe(404);
  expect((await registry.pushManifest("team/app", "v2", second)).status).toBe(201);
});

it("lets one of many pushes at once make the tag", async () => {
  const images = await Promise.all(
    Array.from({ length: 8 }, (_, n) => registry.image("team/race", { annotations: { n: String(n) } })),
  );
  const answers = await Promise.all(images.map((image) => registry.pushManifest("team/race", "v1", image)));
  expect(answers.filter(({ status }) => status === 201).length).toBe(1);
});

it("lets policy look at whether a tag exists and is immutable", async () => {
  const strict = await startRegistry({
    isImmutable: (_repository, tag) => tag.startsWith("v"),
    policy: `@id("no-new-v") forbid (principal, action == Pratique::Action::"artifact:push", resource)
      when { context has immutable && context.immutable && context has tagExists && !context.tagExists };`,
  });
  try {
    const image = await strict.image("team/app");
    const refused = await strict.pushManifest("team/app", "v1", image);
    expect([refused.status, refused.text.includes("no-new-v")]).toEqual([403, true]);
    expect((await strict.pushManifest("team/app", "w1", image)).status).toBe(201);
    strict.records.length = 0;
    await strict.pushManifest("team/app", "w1", image);
    await strict.call("DELETE", "/v2/team/app/manifests/w1");
    const contexts = strict.records.map(({ details }) => details?.["context"]);
    expect(contexts).toEqual([
      { tag: "w1", tagExists: true, immutable: false },
      { tag: "w1", tagExists: true, immutable: false },
    ]);
  } finally {
    await strict.stop();
  }
});
