// What it takes to run a server, and what the configuration may change in it.
import { ServerEntry } from "@pratique/contracts";
import { describe, expect, it } from "vitest";
import { planLaunch } from "./launch-plan.ts";

const entry = ServerEntry.parse({
  name: "weather",
  network: { hosts: ["api.example.com:443", "*.cdn.example.com:443"] },
  secrets: [{ name: "weather.key", env: "API_KEY" }],
  env: { LANG: "C" },
});

describe("a launch plan", () => {
  it("is what the entry says", () => {
    expect(planLaunch(entry)).toMatchObject({
      hosts: ["api.example.com:443", "*.cdn.example.com:443"],
      secrets: [{ name: "weather.key", env: "API_KEY" }],
      life: { scope: "shared", life: "long-lived" },
      talk: "stdio",
    });
  });

  it("takes other names of secrets, more variables, and less network", () => {
    const plan = planLaunch(entry, {
      secrets: { "weather.key": "mine" },
      env: { TZ: "UTC" },
      network: ["a.cdn.example.com:443"],
      idleStopSeconds: 5,
    });
    expect(plan).toMatchObject({
      hosts: ["a.cdn.example.com:443"],
      secrets: [{ name: "mine", env: "API_KEY" }],
      env: { LANG: "C", TZ: "UTC" },
      life: { idleStopMs: 5000 },
    });
  });

  it.each(["other.example.com:443", "api.example.com:80", "*:443", "*.example.com:443", "*.cdn.example.com:80"])(
    "takes no more network: %s",
    (host) => {
      expect(() => planLaunch(entry, { network: [host] })).toThrow(
        expect.objectContaining({ code: "server.network-wider" }),
      );
    },
  );

  it("knows no secret that the entry does not", () => {
    expect(() => planLaunch(entry, { secrets: { other: "x" } })).toThrow(
      expect.objectContaining({ code: "server.unknown-secret" }),
    );
  });
});
