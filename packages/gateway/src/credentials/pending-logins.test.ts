// Which logins are remembered until the browser comes back.
import { manualClock } from "@pratique/core";
import { expect, it } from "vitest";
import { PendingLogins, type PendingLogin } from "./pending-logins.ts";

it("keeps a login while another server begins one after the other", () => {
  const pending = new PendingLogins(manualClock());
  const login = (server: string) =>
    ({ server, owner: "", scope: undefined, url: "https://as.example/" }) as PendingLogin;
  pending.add("mine", login("notes"));
  for (let at = 0; at < 500; at++) pending.add(`state ${at}`, login("hostile"));
  expect(pending.take("state 0")).toBeUndefined();
  expect(pending.take("state 499")).toBeDefined();
  expect(pending.take("mine")?.server).toBe("notes");
  expect(pending.take("mine")).toBeUndefined();
});
