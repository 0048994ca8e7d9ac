// The one way to a secret: decided with its name, recorded without its value.
import type { Act, Guard } from "@pratique/guard";
import { afterEach, beforeEach, expect, it } from "vitest";
import { SecretUse } from "./secret-use.ts";
import { ada, secretHouse, type SecretHouse } from "./secrets.fixture.ts";
import type { SecretStore } from "./secret-store.ts";

let house: SecretHouse;
let store: SecretStore;
let acts: Act[];
let notes: unknown[];
let isAllowed: boolean;
let use: SecretUse;
beforeEach(async () => {
  house = await secretHouse();
  store = await house.open();
  [acts, notes, isAllowed] = [[], [], true];
  // Decides as it is told, and remembers: what is tested is that it is asked, and with what.
  const guard = {
    perform: async (act: Act, run: (decision: unknown, note: (more: unknown) => void) => Promise<unknown>) => {
      acts.push(act);
      const denied = { allowed: false, decision: { reason: "no", policies: [] }, record: { id: "1" } };
      return isAllowed ? { allowed: true, value: await run({}, (more) => void notes.push(more)) } : denied;
    },
  } as unknown as Guard;
  use = new SecretUse({ guard, source: store });
  await store.set({ owner: "", name: "token" }, Buffer.from("the-shared-value"));
});
afterEach(() => house.close());

const resource = { type: "Server", id: "notes" } as const;

it("gives what is there, and records names and versions", async () => {
  const found = await use.use({ names: ["token", "none"], resource, by: ada, scope: "shared" });
  expect([...found].map(([name, secret]) => [name, secret.reveal()])).toEqual([["token", "the-shared-value"]]);
  expect(acts).toMatchObject([
    { action: "credential:use", resource, context: { secrets: ["none", "token"], own: false } },
  ]);
  expect(notes).toEqual([{ scope: "shared", secrets: ["token@1"], missing: ["none"] }]);
  expect(JSON.stringify([acts, notes])).not.toContain("the-shared-value");
});

it("gives nothing that is denied, missing, or another's", async () => {
  await expect(use.need({ names: ["token", "none"], resource, by: ada, scope: "shared" })).rejects.toMatchObject({
    code: "secret.not-found",
  });
  expect((await use.use({ names: ["token"], resource, by: ada, scope: "user" })).size).toBe(0);
  isAllowed = false;
  await expect(use.use({ names: ["token"], resource, by: ada, scope: "shared" })).rejects.toMatchObject({
    code: "policy.denied",
  });
});
