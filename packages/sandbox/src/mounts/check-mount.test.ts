// Which host directories a sandbox may see.
import { mkdir, mkdtemp, realpath, rm, symlink, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { checkMount, type MountRules } from "./check-mount.ts";

let place = "";
let rules: MountRules;

beforeAll(async () => {
  place = await realpath(await mkdtemp(join(tmpdir(), "pratique-mount-")));
  for (const directory of ["home/.ssh", "home/notes/deep", "home/.config/app", "home/.cache/tool", "state", "free"])
    await mkdir(join(place, directory), { recursive: true });
  await writeFile(join(place, "home/.ssh/id"), "key");
  await symlink(join(place, "home/.ssh"), join(place, "home/notes/keys"));
  await symlink("/etc", join(place, "free/etc"));
  await symlink(join(place, "home/notes"), join(place, "free/notes"));
  rules = {
    homeDirectory: join(place, "home"),
    forbidden: [join(place, "state")],
    writable: [join(place, "free/notes")],
  };
});
afterAll(() => rm(place, { recursive: true, force: true }));

const refused = expect.objectContaining({ code: "sandbox.mount-refused" });

describe("a mount", () => {
  it("is read-only, and leads where its links lead", async () => {
    const source = join(place, "home/notes");
    expect(await checkMount(`${place}/free/notes:/notes`, rules)).toEqual({
      source,
      target: "/notes",
      isWritable: false,
    });
    expect(await checkMount("~/notes:/notes:ro", rules)).toEqual({ source, target: "/notes", isWritable: false });
  });

  it("is writable only where the configuration names that very directory", async () => {
    expect(await checkMount("~/notes:/notes:rw", rules)).toMatchObject({ isWritable: true });
    await expect(checkMount("~/notes/deep:/notes:rw", rules)).rejects.toEqual(refused);
  });

  it("of what lies in a directory that servers write to is refused: one of them could have put a link there", async () => {
    await expect(checkMount("~/notes/deep:/notes", rules)).rejects.toEqual(refused);
    await expect(checkMount("~/notes:/notes", rules)).resolves.toMatchObject({ isWritable: false });
  });

  it.each([
    "~/.ssh:/x",
    "~/.ssh/id:/x",
    "~:/x",
    "~/notes/keys:/x",
    "~/.cache/tool:/x",
    "/tmp:/x",
    "/var/tmp:/x",
    "/home:/x",
    "~/notes/../.ssh:/x",
    "~/.config/app:/x",
    "/:/x",
    "/etc:/x",
    "/etc/passwd:/x",
    "/var:/x",
    "/proc/self:/x",
    "/dev/null:/x",
    "/nowhere/at/all:/x",
    "relative:/x",
    "~/notes",
    "~/notes:/x:rwx",
    "~/notes:/x:/y:ro",
    "",
  ])("of %j is refused", async (volume) => {
    await expect(checkMount(volume, rules)).rejects.toEqual(refused);
  });

  it("of our own state, of what contains it, of a link to the machine's own, and of a socket is refused", async () => {
    const socket = join(place, "free/engine.sock");
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(socket, resolve));
    for (const path of [join(place, "state"), place, join(place, "free/etc"), socket])
      await expect(checkMount(`${path}:/x`, rules)).rejects.toEqual(refused);
    server.close();
  });
});
