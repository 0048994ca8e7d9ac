// An npm package and its tree in a directory: npm resolves, fetches and checks; no script of any package ever runs.
import { readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { packagingErrors } from "../errors.ts";
import type { RunCommand } from "../run-command.ts";
import { LIMIT_LOCK, parseNpmLock, type LockedPackage } from "./npm-lock.ts";

export interface NpmInstallOptions {
  readonly runCommand: RunCommand;
  readonly registry: string | undefined;
  /** OCI name. */
  readonly architecture: string;
  /** Empty, or with a package.json (and a lock) of its own. */
  readonly directory: string;
}

export interface NpmInstalled {
  readonly packages: readonly LockedPackage[];
  readonly lock: Buffer;
}

/** No git, no URLs, no scripts. Unknown flags are ignored by older versions of npm, for which the check of the lock stands. */
const FLAGS = [
  "--ignore-scripts",
  // The lock is the same whichever mirror answers, and only what is not of the registry says where it is from.
  "--omit-lockfile-registry-resolved",
  "--omit=dev",
  "--no-audit",
  "--no-fund",
  "--no-update-notifier",
  "--loglevel=error",
  "--git=/nonexistent/git",
  "--allow-git=none",
  "--allow-remote=none",
  "--os=linux",
  "--libc=glibc",
];

/** First only resolves; what it resolved is checked before anything is unpacked. @throws `mcp-server.fetch-failed`, `mcp-server.unverifiable` */
export async function npmInstall(source: string, o: NpmInstallOptions): Promise<NpmInstalled> {
  const lockPath = join(o.directory, "package-lock.json");
  if (!(await isFile(lockPath))) await npm(source, ["install", "--package-lock-only"], o);
  if ((await stat(lockPath)).size > LIMIT_LOCK) {
    throw packagingErrors("mcp-server.unverifiable", { source, dependency: "its tree", reason: "it is too large" });
  }
  const lock = await readFile(lockPath);
  const packages = parseNpmLock(lock.toString("utf8"), source);
  await npm(source, ["ci"], o);
  return { packages, lock };
}

/** A directory whose only dependency is that version of that package. */
export async function writeNpmRoot(directory: string, name: string, version: string): Promise<void> {
  const json = { name: "packed-server", private: true, dependencies: { [name]: version } };
  await writeFile(join(directory, "package.json"), JSON.stringify(json));
}

async function npm(source: string, verb: readonly string[], o: NpmInstallOptions): Promise<void> {
  const cpu = o.architecture === "amd64" ? "x64" : o.architecture;
  const registry = o.registry === undefined ? [] : [`--registry=${o.registry}`];
  const result = await o
    .runCommand("npm", [...verb, ...FLAGS, `--cpu=${cpu}`, ...registry], {
      cwd: o.directory,
      maxOutputBytes: 4 * 1024 * 1024,
      timeoutMs: 600_000,
    })
    .catch((cause: unknown) => {
      throw packagingErrors("mcp-server.fetch-failed", { source, reason: "npm cannot be run" }, { cause });
    });
  if (result.code === 0) return;
  const lines = result.stderr.split("\n").map((line) => line.replace(/^npm (?:error|ERR!) ?/, "").trim());
  const isGit = /nonexistent\/git|EALLOWGIT|EALLOWREMOTE|allow-(?:git|remote)/i.test(result.stderr);
  const reason = lines.find((line) => line !== "" && !line.startsWith("code ")) ?? "npm failed";
  if (isGit)
    throw packagingErrors("mcp-server.unverifiable", {
      source,
      dependency: "a git repository or URL",
      reason: reason.slice(0, 200),
    });
  throw packagingErrors("mcp-server.fetch-failed", { source, reason: reason.slice(0, 300) });
}

async function isFile(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isFile() === true;
}
