// The starter catalog says of each server what it reaches, gets and may write, from where it is packed.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { parseCatalog } from "./catalog-document.ts";
import { publishProblems } from "./publishable.ts";

const file = join(import.meta.dirname, "..", "..", "..", "catalogs", "starter", "catalog.yaml");
const catalog = parseCatalog(await readFile(file));

describe("the starter catalog", () => {
  it("lacks nothing but the packing", () => {
    expect(new Set(publishProblems(catalog).map(({ problem }) => problem))).toEqual(new Set(["it is not packed yet"]));
  });

  it.each(catalog.entries.map((entry) => [entry.name, entry] as const))(
    "%s is pinned, and has verdicts",
    (_, entry) => {
      expect(entry.source).toMatch(/^npm:(?:@[a-z0-9-]+\/)?[a-z0-9-]+@\d+\.\d+\.\d+$/);
      expect(entry.network).not.toHaveProperty("unstated");
      expect(entry.network.hosts.every((host) => /^[a-z0-9.-]+:443$/.test(host))).toBe(true);
      expect(entry.tools.length).toBeGreaterThan(0);
      expect(entry.tools.some(({ readOnly }) => readOnly === true)).toBe(true);
      expect(entry.tools.filter(({ readOnly, destructive }) => readOnly === true && destructive === true)).toEqual([]);
    },
  );
});
