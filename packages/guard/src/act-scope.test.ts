import { expect, it } from "vitest";
import { ActScope } from "./act-scope.ts";
import type { Act } from "./act.ts";

const act = (action: Act["action"]): Act => ({ principal: undefined, action, resource: { type: "System", id: "x" } });

it("knows the act under way through every wait, and which it is part of", async () => {
  const acts = new ActScope();
  const seen: (string | undefined)[] = [acts.current?.act.action];
  const tick = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  const one = acts.run(
    act("artifact:push"),
    () => undefined,
    async () => {
      await tick();
      await acts.run(
        act("artifact:pull"),
        () => undefined,
        async () => {
          await tick();
          seen.push(`${acts.current?.act.action} within ${acts.current?.within?.act.action}`);
        },
      );
      seen.push(acts.current?.act.action);
    },
  );
  const other = acts.run(
    act("artifact:delete"),
    () => undefined,
    async () => {
      await tick();
      seen.push(acts.current?.act.action);
    },
  );
  await Promise.all([one, other]);
  expect(seen.toSorted()).toEqual([
    "artifact:delete",
    "artifact:pull within artifact:push",
    "artifact:push",
    undefined,
  ]);
});
