// The state directory: private when it is made, refused when others could plant files in it.
import { chmod, mkdir, mkdtemp, rm, stat, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { openHome } from "./home.ts";

let directory: string;
beforeEach(async () => void (directory = await mkdtemp(join(tmpdir(), "pratique-home-"))));
afterEach(() => rm(directory, { recursive: true, force: true }));

it("makes what is missing for its owner alone", async () => {
  const home = await openHome(join(directory, "new"));
  for (const path of [home.directory, home.keys, home.registry, home.log, home.cache, home.run])
    expect((await stat(path)).mode & 0o777).toBe(0o700);
});

it.each([0o777, 0o1777, 0o775])("refuses a directory of mode %o, where others may write", async (mode) => {
  const shared = join(directory, "shared");
  await mkdir(shared);
  await chmod(shared, mode);
  await expect(openHome(shared)).rejects.toMatchObject({ code: "home.exposed" });
});

it("takes one that others may only read", async () => {
  await chmod(directory, 0o755);
  await expect(openHome(directory)).resolves.toMatchObject({ directory });
});

it("refuses a keys directory that others may write to, also behind a link", async () => {
  await mkdir(join(directory, "elsewhere"));
  await chmod(join(directory, "elsewhere"), 0o777);
  await symlink(join(directory, "elsewhere"), join(directory, "keys"));
  await expect(openHome(directory)).rejects.toMatchObject({ code: "home.exposed" });
  await rm(join(directory, "keys"));
  await mkdir(join(directory, "keys"));
  await chmod(join(directory, "keys"), 0o777);
  await expect(openHome(directory)).rejects.toMatchObject({ code: "home.exposed" });
});
