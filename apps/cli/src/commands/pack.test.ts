import { expect, it } from "vitest";
import type { Context } from "../kit/command.ts";
import { pack } from "./pack.ts";

async function packed(args: string[], push: string) {
  let asked = false;
  const client = async () => {
    asked = true;
    throw new Error("no daemon");
  };
  const context = { workingDirectory: "/", json: false, client } as unknown as Context;
  const failure = await pack.run({ args, flags: { push }, context }).catch((error: unknown) => error);
  return { asked, failure };
}

it("takes where to from --push", async () => {
  expect((await packed(["./x"], "team/x:1")).asked).toBe(true);
  expect((await packed(["./x", "team/x:1"], "team/x:1")).asked).toBe(true);
});

it("refuses two places that differ", async () => {
  const { asked, failure } = await packed(["./x", "team/x:1"], "team/y:1");
  expect(asked).toBe(false);
  expect(failure).toMatchObject({ code: "cli.usage" });
});
