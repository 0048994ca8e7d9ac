// llama.cpp's server of Debian sid, unpacked into a cache outside the repository and run by sid's own loader.
import { execFile } from "node:child_process";
import { chmod, mkdir, mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { homedir, userInfo } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

const PACKAGE = "llama.cpp-tools";
const SOURCE = "http://deb.debian.org/debian sid main";
const KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg";

/** What a test's context offers to leave early. */
interface Skippable {
  skip(reason?: string): void;
}

/** Where peers are kept: `PRATIQUE_PEERS_DIR`, else the user's cache directory. */
function cacheDirectory(): string {
  const { PRATIQUE_PEERS_DIR: own, XDG_CACHE_HOME: xdg } = process.env;
  if (own !== undefined && own !== "") return own;
  return join(xdg === undefined || xdg === "" ? join(homedir(), ".cache") : xdg, "pratique", "peers");
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

/** The path of a llama-server that can be run, or the test is skipped with the reason; in CI it fails. */
export async function llamaServerOrSkip(context: Skippable): Promise<string> {
  try {
    return await ensureLlamaServer();
  } catch (error) {
    const reason = `llama-server cannot be had: ${error instanceof Error ? error.message : String(error)}`;
    if (process.env["CI"] === undefined || process.env["CI"] === "") context.skip(reason);
    throw new Error(reason, { cause: error });
  }
}

/** Fetches and unpacks it on first use. */
export async function ensureLlamaServer(): Promise<string> {
  if (process.platform !== "linux") throw new Error("Debian's peers run on Linux only");
  const root = join(cacheDirectory(), "llama-server");
  if (!(await exists(join(root, "llama-server")))) await unpack(root);
  return join(root, "llama-server");
}

async function unpack(root: string): Promise<void> {
  await mkdir(cacheDirectory(), { recursive: true });
  const work = await mkdtemp(join(cacheDirectory(), ".llama-server-"));
  try {
    const archives = await download(work);
    const tree = join(work, "root");
    for (const archive of archives) await run("dpkg-deb", ["-x", join(work, "cache/archives", archive), tree]);
    await writeLauncher(tree, root);
    // Another test process may have been faster: its tree is as good.
    await rename(tree, root).catch(async (error: unknown) => {
      if (!(await exists(join(root, "llama-server")))) throw error;
    });
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/** Lets apt resolve against an empty status file, so that every dependency comes along. */
async function download(work: string): Promise<string[]> {
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
  const options = Object.entries(settings).flatMap(([key, value]) => ["-o", `${key}=${value}`]);
  await run("apt-get", ["-q", ...options, "update"]);
  await run("apt-get", ["-q", ...options, "-y", "--download-only", "install", PACKAGE]);
  return (await readdir(join(work, "cache/archives"))).filter((file) => file.endsWith(".deb"));
}

/** ggml looks for its back ends in a directory that does not exist here: the best one for this processor is named. */
async function writeLauncher(tree: string, root: string): Promise<void> {
  const libraries = join(tree, "usr/lib");
  const triplet = (await readdir(libraries)).find((entry) => entry.endsWith("-linux-gnu"));
  if (triplet === undefined) throw new Error("sid's packages hold no libraries");
  const loader = (await readdir(join(libraries, triplet))).find((entry) => /^ld-linux-.*\.so\.\d$/.test(entry));
  const backends = await readdir(join(libraries, triplet, "ggml/backends0"));
  const flags = await readFile("/proc/cpuinfo", "utf8");
  const wanted = ["haswell", "sse42", "x64", "armv8.0_1"].filter(
    (name) => name !== "haswell" || /\bavx2\b/.test(flags),
  );
  const backend = wanted.map((name) => `libggml-cpu-${name}.so`).find((file) => backends.includes(file));
  if (loader === undefined || backend === undefined) throw new Error("sid's packages are laid out in another way");
  const lib = `${root}/usr/lib/${triplet}`;
  const launcher = [
    "#!/bin/sh",
    `export GGML_BACKEND_PATH='${lib}/ggml/backends0/${backend}'`,
    `exec '${lib}/${loader}' --library-path '${lib}:${lib}/llama' '${root}/usr/bin/llama-server' "$@"`,
  ];
  await writeFile(join(tree, "llama-server"), `${launcher.join("\n")}\n`);
  await chmod(join(tree, "llama-server"), 0o755);
}
