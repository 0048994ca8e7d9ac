import { GatewayProfile, GatewayServerConfig } from "@pratique/contracts";
import { expect, it } from "vitest";
import type { z } from "zod";
import { issueText, tellingIssue } from "./telling-issue.ts";

function told(schema: z.ZodType, value: unknown): string {
  const { error } = schema.safeParse(value);
  return error === undefined ? "" : issueText(tellingIssue(error), "the document");
}

it.each([
  [{ referenc: "team/weather:1" }, "unknown key `referenc`"],
  [{ reference: "team/weather:1", netwrk: [] }, "unknown key `netwrk`"],
  [{ reference: "team/weather:1", life: "short" }, "life: "],
  [{}, "the document: one of entry, reference, url must be there"],
  [{ url: "nonsense" }, "url: "],
  ["text", "the document: "],
])("says what is wrong with a server %j", (value, expected) => {
  expect(told(GatewayServerConfig, value)).toContain(expected);
});

it.each([
  [{ servers: { a: { tols: [] } } }, "unknown key `servers.a.tols`"],
  [{ servers: ["A B"] }, "servers.0: "],
  [{ servers: 3 }, "servers: "],
])("says where in a profile %j it is", (value, expected) => {
  expect(told(GatewayProfile, value)).toContain(expected);
});
