// The official suite's server sets: what a server passes directly it passes behind the gateway, for clients and servers of both eras.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { overStdio, serveBehindGateway, serveDirectly, type Era, type Served } from "./mcp-behind-gateway.ts";
import { runServerSet, type Revision, type SuiteResult } from "./mcp-suite.ts";

const REVISIONS: Readonly<Record<Era, Revision>> = { modern: "2026-07-28", legacy: "2025-11-25" };
const REQUIRED: Readonly<Record<Era, number>> = { modern: 37, legacy: 30 };

/** Scenarios of a set that a server of the other era cannot pass, however it is reached; docs/mcp-compatibility.md says why. */
const UNREACHABLE: Readonly<Record<string, readonly string[]>> = {
  // It wants the question under a key of its own, and a question of the older revisions has none.
  "modern legacy": ["input-required-result-basic-elicitation"],
};

const open: Served[] = [];
const results = new Map<string, SuiteResult>();

const combinations = (["modern", "legacy"] as const).flatMap((client) =>
  (["modern", "legacy"] as const).flatMap((server) =>
    (["stdio", "http"] as const).map((transport) => ({ client, server, transport })),
  ),
);
const nameOf = ({ client, server, transport }: (typeof combinations)[number]): string =>
  `${client} client, ${server} server, ${transport}`;

beforeAll(async () => {
  const direct = { modern: await serveDirectly("modern"), legacy: await serveDirectly("legacy") };
  open.push(direct.modern, direct.legacy);
  const served = new Map<string, Served>();
  // Two sets at a time would share a server on stdio, whose log messages belong to no request.
  for (const combination of combinations) {
    const { server, transport } = combination;
    const to = transport === "stdio" ? overStdio(server) : { type: "http" as const, url: direct[server].url };
    served.set(nameOf(combination), await serveBehindGateway(to));
  }
  open.push(...served.values());
  await Promise.all([
    ...(["modern", "legacy"] as const).map(async (era) =>
      results.set(`${era} directly`, await runServerSet(direct[era].url, REVISIONS[era])),
    ),
    ...combinations.map(async (combination) => {
      const { url } = served.get(nameOf(combination))!;
      results.set(nameOf(combination), await runServerSet(url, REVISIONS[combination.client]));
    }),
  ]);
});
afterAll(async () => {
  await Promise.all(open.toReversed().map((served) => served.close()));
});

describe.each(["modern", "legacy"] as const)("a %s server", (era) => {
  it("passes all that its own revision requires when it is asked directly", () => {
    const { passed, failed } = results.get(`${era} directly`)!;
    expect([passed.length, failed]).toEqual([REQUIRED[era], []]);
  });
});

describe.each(combinations.map((combination) => [nameOf(combination), combination] as const))(
  "behind the gateway: %s",
  (name, { client, server }) => {
    it("loses no required scenario", () => {
      const { passed, failed } = results.get(name)!;
      expect(failed).toEqual(UNREACHABLE[`${client} ${server}`] ?? []);
      expect(passed.length + failed.length).toBe(REQUIRED[client]);
    });

    it("keeps JSON Schema 2020-12, and looks at headers where the revision has them", () => {
      const { other } = results.get(name)!;
      expect(other["json-schema-2020-12"]).toBe(true);
      if (client === "legacy") return;
      expect(other["http-header-validation"]).toBe(true);
      expect(other["http-custom-header-server-validation"]).toBe(true);
    });
  },
);
