// Which Debian packages a set needs, as far as a minimal image needs them.
import type { RunCommand } from "../run-command.ts";

/**
 * Depended on and left out: what only maintainer scripts, terminals, or seldom used modules of Python need
 * (`readline`, `curses`, `dbm.ndbm`, `nis`); importing those fails, everything else works.
 */
const LEFT_OUT = new Set([
  "debconf",
  "dpkg",
  "libdb5.3",
  "libdb5.3t64",
  "libncursesw6",
  "libnsl2",
  "libreadline8",
  "libreadline8t64",
  "libtinfo6",
  "libtirpc3",
  "libtirpc3t64",
  "media-types",
  "netbase",
  "openssl",
]);
const LIMIT_ROUNDS = 8;
const LIMIT_PACKAGES = 64;

/** Closure over Pre-Depends and Depends, first alternative; `undefined` when apt cannot say. Needs no network. */
export async function packageClosure(
  runCommand: RunCommand,
  architecture: string,
  roots: readonly string[],
): Promise<string[] | undefined> {
  const all = new Set(roots);
  let fresh = [...roots];
  for (let round = 0; fresh.length > 0; round += 1) {
    if (round > LIMIT_ROUNDS || all.size > LIMIT_PACKAGES) return undefined;
    const names = fresh.map((name) => `${name}:${architecture}`);
    const options = { maxOutputBytes: 4 * 1024 * 1024, timeoutMs: 60_000 };
    const args = ["show", "--no-all-versions", ...names];
    const result = await runCommand("apt-cache", args, options).catch(() => undefined);
    if (result === undefined || result.code !== 0) return undefined;
    fresh = [];
    for (const line of Buffer.from(result.stdout).toString("utf8").split("\n")) {
      const match = /^(?:Pre-)?Depends: (.*)$/.exec(line);
      for (const clause of match?.[1]?.split(", ") ?? []) {
        const name = /^[a-z0-9][a-z0-9+.-]*/.exec(clause)?.[0];
        if (name === undefined || all.has(name) || LEFT_OUT.has(name) || name.endsWith("-base")) continue;
        all.add(name);
        fresh.push(name);
      }
    }
  }
  return [...all].sort();
}
