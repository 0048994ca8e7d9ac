// The commands in the documentation, run as they stand: blocks marked `sh test`, page by page.
import { spawn } from "node:child_process";
import { chmod, mkdir, readFile, readdir, writeFile } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { cleanEnvironment, finished, ROOT, startDaemon, temporaryHome, type Daemon } from "../support/program.ts";

const guides = join(ROOT, "docs", "guides");
const pages = (await readdir(guides)).filter((name) => name.endsWith(".md"));
const blocksOf = (text: string) => [...text.matchAll(/^```sh test\n([\s\S]*?)^```$/gm)].map((match) => match[1]!);

let place: Awaited<ReturnType<typeof temporaryHome>>;
let daemon: Daemon;
beforeAll(async () => {
  place = await temporaryHome();
  daemon = await startDaemon(place.home);
  const program = join(place.home, "bin", "pratique");
  await mkdir(join(place.home, "bin"));
  await writeFile(program, `#!/bin/sh\nexec "${process.execPath}" "${join(ROOT, "bin", "pratique.mjs")}" "$@"\n`);
  await chmod(program, 0o755);
});
afterAll(async () => {
  await daemon.stop();
  await place.remove();
});

describe.each(pages)("docs/guides/%s", (page) => {
  it("says commands that work", async () => {
    const blocks = blocksOf(await readFile(join(guides, page), "utf8"));
    expect(blocks.length).toBeGreaterThan(0);
    const directory = join(place.home, `work-${page}`);
    await mkdir(directory);
    const child = spawn("bash", ["-euo", "pipefail", "-c", blocks.join("\n")], {
      cwd: directory,
      stdio: ["ignore", "pipe", "pipe"],
      env: cleanEnvironment({
        PATH: `${join(place.home, "bin")}${delimiter}${process.env["PATH"] ?? ""}`,
        PRATIQUE_HOME: place.home,
        PRATIQUE_URL: daemon.url,
        PRATIQUE_SOURCE: ROOT,
      }),
    });
    const { code, stdout, stderr } = await finished(child);
    expect({ code, stderr: code === 0 ? "" : `${stderr}\n${stdout}` }).toEqual({ code: 0, stderr: "" });
  });
});
