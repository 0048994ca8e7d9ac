import { ServerEntry } from "@pratique/contracts";
import { expect, it } from "vitest";
import { chosenOf } from "./catalog-imports.ts";

const entries = ["a", "b"].map((name) => ServerEntry.parse({ name, network: { hosts: [] } }));

it("says which of the servers that were asked for a source does not bring", () => {
  expect(chosenOf(entries, undefined)).toEqual({ chosen: entries, missing: [] });
  expect(chosenOf(entries, ["b", "c"])).toEqual({ chosen: [entries[1]], missing: ["c"] });
});
