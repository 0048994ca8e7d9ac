// Resolved packages beside installed ones.
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { installedPackages, withInstalled } from "./installed-packages.ts";

let home: string;
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), "pratique-installed-"));
});
afterEach(() => rm(home, { recursive: true, force: true }));

it("what was resolved has the last word, and what came inside of others is there, too", async () => {
  const files = {
    "node_modules/@s/a/package.json": {
      name: "@s/a",
      version: "1.0.0",
      license: "MIT",
      author: "A",
      dependencies: { b: "1" },
    },
    "node_modules/b/package.json": { name: "b", version: "1.0.0+x", license: "ISC" },
    "node_modules/b/vendor/c/package.json": { name: "c", version: "0.1.0" },
  };
  for (const [path, json] of Object.entries(files)) {
    await mkdir(dirname(join(home, path)), { recursive: true });
    await writeFile(join(home, path), JSON.stringify(json));
  }
  const installed = await installedPackages(home, "app");
  const resolved = [
    { type: "library", name: "@s/a", version: "1.0.0", purl: "pkg:npm/%40s/a@1.0.0", licences: ["Apache-2.0"] },
    { type: "library", name: "b", version: "1.0.0+x", purl: "pkg:npm/b@1.0.0%2Bx" },
  ] as const;
  expect(withInstalled(resolved, installed)).toMatchObject([
    {
      name: "@s/a",
      licences: ["Apache-2.0"],
      supplier: "A",
      locations: ["app/node_modules/@s/a/package.json"],
      dependsOn: ["pkg:npm/b@1.0.0+x"],
    },
    { name: "b", purl: "pkg:npm/b@1.0.0%2Bx", licences: ["ISC"] },
    { name: "c", locations: ["app/node_modules/b/vendor/c/package.json"] },
  ]);
});
