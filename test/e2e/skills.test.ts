// A skill on its way from where it is found to where agents read it, through the policies that are shipped.
import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { InstalledSkills, SkillCheckResult, SkillImportResult } from "@pratique/contracts";
import { pratique, startDaemon, temporaryHome, type Daemon, type Result } from "../support/program.ts";

let directory: string;
let home: string;
let remove: () => Promise<void>;
let daemon: Daemon;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "pratique-skills-"));
  ({ home, remove } = await temporaryHome());
  daemon = await startDaemon(home);
  await mkdir(join(directory, "wild"));
  await writeFile(
    join(directory, "wild", "SKILL.md"),
    "---\nname: k8s:logs\ndescription: Reads logs.\nversion: 2\n---\nRead them.\n",
  );
}, 60_000);

afterAll(async () => {
  await daemon.stop();
  await remove();
  await rm(directory, { recursive: true, force: true });
});

const run = (...args: string[]): Promise<Result> => pratique([...args, "--json"], { home, cwd: directory });

it("is refused for the rules it breaks, or taken with each of them explained", async () => {
  const check = await run("skill", "check", "wild");
  expect(check.code).toBe(1);
  expect(check.json<SkillCheckResult>()).toMatchObject({ isValid: false, name: "k8s-logs", files: ["SKILL.md"] });
  const strict = await run("skill", "import", "wild", "team/logs:2");
  expect([strict.code, strict.stderr]).toEqual([1, expect.stringContaining("skill.invalid")]);
  const lenient = await run("skill", "import", "wild", "team/logs:2", "--lenient");
  expect(lenient.json<SkillImportResult>().warnings.length).toBeGreaterThan(1);
});

it("is installed once it is cleared, pinned, and installed again by its digest", async () => {
  const early = await run("skill", "install", "team/logs:2");
  expect([early.code, early.stderr]).toEqual([3, expect.stringContaining("signature.required")]);
  await expect(stat(join(directory, ".agents", "skills", "k8s-logs"))).rejects.toMatchObject({ code: "ENOENT" });
  await daemon.client.sign("team/logs:2");
  await daemon.client.clear("team/logs:2");
  const installed = await run("skill", "install", "team/logs:2", "--agent", "claude", "--agent", "agents");
  expect(installed.json<InstalledSkills>().skills).toHaveLength(2);
  const file = join(directory, ".claude", "skills", "k8s-logs", "SKILL.md");
  expect(await readFile(file, "utf8")).toContain("Read them.");
  const again = await run("skill", "install", "team/logs:2", "--agent", "claude");
  expect([again.code, again.stderr]).toEqual([1, expect.stringContaining("skill.installed")]);
  await writeFile(file, "changed by hand");
  const lock = await readFile(join(directory, "skills.lock.json"), "utf8");
  expect((await run("skill", "sync")).json<InstalledSkills>().skills).toHaveLength(2);
  expect(await readFile(file, "utf8")).toContain("Read them.");
  expect(await readFile(join(directory, "skills.lock.json"), "utf8")).toBe(lock);
});

it("is removed only where the lock file says we put it", async () => {
  const mine = join(directory, ".claude", "skills", "mine");
  await mkdir(mine, { recursive: true });
  expect((await run("skill", "remove", "mine")).code).toBe(1);
  expect((await run("skill", "remove", "k8s-logs")).json<InstalledSkills>().skills).toHaveLength(2);
  await expect(stat(join(directory, ".claude", "skills", "k8s-logs"))).rejects.toMatchObject({ code: "ENOENT" });
  expect((await stat(mine)).isDirectory()).toBe(true);
  expect(JSON.parse(await readFile(join(directory, "skills.json"), "utf8"))).toEqual({ skills: [] });
});

it("in a lock file from a stranger leads nowhere outside of the project", async () => {
  const lock = {
    lockfileVersion: 1,
    generatedAt: "2026-01-01T00:00:00Z",
    skills: [
      {
        name: "k8s-logs",
        path: "../outside/k8s-logs",
        source: { registry: "x", repository: "team/logs", digest: `sha256:${"0".repeat(64)}`, ref: "x" },
      },
    ],
  };
  await writeFile(join(directory, "skills.lock.json"), JSON.stringify(lock));
  const { code, stderr } = await run("skill", "sync");
  expect([code, stderr]).toEqual([1, expect.stringContaining("skill.lock-invalid")]);
});
