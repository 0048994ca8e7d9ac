// Packages of Debian sid with all they need, unpacked into a cache outside the repository.
// The host's packages stay as they are: apt works on private state, and sid's own loader runs what was unpacked.
import { spawn } from "node:child_process";
import { mkdir, mkdtemp, readdir, rename, rm, stat, writeFile } from "node:fs/promises";
import { homedir, userInfo } from "node:os";
import { join } from "node:path";

/** An unpacked package; its programs run as `loader --library-path libraryPath root/usr/bin/PROGRAM`. */
export interface SidTree {
  readonly root: string;
  /** `usr/lib/TRIPLET`, absolute. */
  readonly libraryPath: string;
  /** Sid's dynamic loader, absolute. */
  readonly loader: string;
  /** The Debian version, e.g. `3.1.1-2`: sid rolls, so say it with each result. */
  readonly version: string;
  /** A home directory of its own. */
  readonly home: string;
}

/** What a test's context offers to leave early. */
export interface Skippable {
  skip(reason?: string): void;
}

export interface ProcessResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

const SOURCE = "http://deb.debian.org/debian sid main";
const KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg";
const OUTPUT_LIMIT_BYTES = 16 * 1024 * 1024;
const INSTALL_TIMEOUT_MS = 240_000;

/** Where peers are kept: `PRATIQUE_PEERS_DIR`, else the user's cache directory. */
function cacheDirectory(): string {
  const { PRATIQUE_PEERS_DIR: own, XDG_CACHE_HOME: xdg } = process.env;
  if (own !== undefined && own !== "") return own;
  return join(xdg === undefined || xdg === "" ? join(homedir(), ".cache") : xdg, "pratique", "peers");
}

/** The unpacked package, fetched on first use; or, as text, why it cannot be had. */
export async function ensureSidTree(packageName: string): Promise<SidTree | string> {
  if (process.platform !== "linux") return "Debian's packages run on Linux only";
  const root = join(cacheDirectory(), packageName);
  try {
    if (!(await exists(root))) await unpackPackage(packageName, root);
    return await openTree(root);
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** Leaves the test with the reason; in CI, where every peer must be there, it fails. */
export function skipWithout(context: Skippable, name: string, reason: string): never {
  if (process.env["CI"] === undefined || process.env["CI"] === "") context.skip(`${name} cannot be had: ${reason}`);
  throw new Error(`${name} cannot be had: ${reason}`);
}

async function openTree(root: string): Promise<SidTree> {
  const libraries = join(root, "usr/lib");
  const triplet = (await readdir(libraries)).find((entry) => entry.endsWith("-linux-gnu"));
  if (triplet === undefined) throw new Error(`no libraries in ${root}`);
  const libraryPath = join(libraries, triplet);
  const loader = (await readdir(libraryPath)).find((entry) => /^ld-linux-.*\.so\.\d$/.test(entry));
  const version = (await readdir(join(root, "version")))[0];
  if (loader === undefined || version === undefined) throw new Error(`${root} is not whole: remove it`);
  const home = join(root, "home");
  return { root, libraryPath, loader: join(libraryPath, loader), version: decodeURIComponent(version), home };
}

/** Downloads the package with all it needs and unpacks it; the rename at the end makes it visible whole. */
async function unpackPackage(name: string, root: string): Promise<void> {
  await mkdir(cacheDirectory(), { recursive: true });
  const work = await mkdtemp(join(cacheDirectory(), `.${name}-`));
  try {
    const archives = await download(name, work);
    const tree = join(work, "root");
    await mkdir(join(tree, "home"), { recursive: true });
    await mkdir(join(tree, "version"));
    const own = archives.find((archive) => archive.startsWith(`${name}_`));
    if (own === undefined) throw new Error(`apt-get brought no ${name}`);
    await writeFile(join(tree, "version", own.split("_")[1] ?? "unknown"), "");
    for (const archive of archives) {
      await succeed(["dpkg-deb", "-x", join(work, "cache/archives", archive), tree]);
    }
    // Another test process may have been faster: its tree is as good.
    await rename(tree, root).catch(async (error: unknown) => {
      if (!(await exists(root))) throw error;
    });
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/** Lets apt resolve against an empty status file, so that every dependency comes along. */
async function download(name: string, work: string): Promise<string[]> {
  for (const directory of ["lists/partial", "cache/archives/partial", "none.d"]) {
    await mkdir(join(work, directory), { recursive: true });
  }
  const signedBy = (await exists(KEYRING)) ? `[signed-by=${KEYRING}] ` : "";
  await writeFile(join(work, "sources.list"), `deb ${signedBy}${SOURCE}\n`);
  await writeFile(join(work, "status"), "");
  const settings: Readonly<Record<string, string>> = {
    "Dir::Etc::sourcelist": join(work, "sources.list"),
    "Dir::Etc::sourceparts": join(work, "none.d"),
    "Dir::Etc::preferences": join(work, "none"),
    "Dir::Etc::preferencesparts": join(work, "none.d"),
    "Dir::State::lists": join(work, "lists"),
    "Dir::State::status": join(work, "status"),
    "Dir::Cache": join(work, "cache"),
    "APT::Install-Recommends": "false",
    "APT::Sandbox::User": userInfo().username,
    "Acquire::Languages": "none",
    "Acquire::IndexTargets::deb::DEP-11::DefaultEnabled": "false",
    "Acquire::Retries": "3",
    "Debug::NoLocking": "true",
  };
  const apt = ["apt-get", "-q", ...Object.entries(settings).flatMap(([key, value]) => ["-o", `${key}=${value}`])];
  await succeed([...apt, "update"]);
  await succeed([...apt, "-y", "--download-only", "install", name]);
  return (await readdir(join(work, "cache/archives"))).filter((file) => file.endsWith(".deb"));
}

async function succeed(command: readonly string[]): Promise<void> {
  // The host's environment goes along here and only here: apt may need its proxy.
  const result = await execute(command, { timeoutMs: INSTALL_TIMEOUT_MS, env: { ...process.env, LC_ALL: "C" } });
  if (result.code === 0) return;
  const said = `${result.stdout}\n${result.stderr}`.split("\n").findLast((line) => /^[EW]:|error/.test(line));
  throw new Error(`${command[0]} failed (${result.code}): ${said ?? result.stderr.slice(-300)}`);
}

export interface ExecuteOptions {
  readonly cwd?: string | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly input?: string | Uint8Array | undefined;
  /** Default 60 s; then the process is killed and `code` is -1. */
  readonly timeoutMs?: number | undefined;
}

/** Runs a program to its end. */
export function execute(command: readonly string[], options: ExecuteOptions): Promise<ProcessResult> {
  const [program = "", ...args] = command;
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { cwd: options.cwd, env: options.env, timeout: options.timeoutMs ?? 60_000 });
    const output = { stdout: "", stderr: "" };
    for (const name of ["stdout", "stderr"] as const) {
      child[name].setEncoding("utf8").on("data", (text: string) => {
        if (output[name].length < OUTPUT_LIMIT_BYTES) output[name] += text;
      });
    }
    child.on("error", reject);
    child.on("close", (code) => resolve({ code: code ?? -1, ...output }));
    // A peer that does not read its input closes the pipe: that is its right.
    child.stdin.on("error", () => undefined);
    child.stdin.end(options.input ?? "");
  });
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
