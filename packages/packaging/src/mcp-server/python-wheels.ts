// Python packages as wheels: pip resolves, fetches and checks them, and cannot run anything; we unpack them.
import { mkdir, readdir } from "node:fs/promises";
import { join } from "node:path";
import { hexOf } from "@pratique/core";
import { packagingErrors } from "../errors.ts";
import { digestOfFile } from "../file-layer.ts";
import type { RunCommand } from "../run-command.ts";
import type { PythonTarget } from "./base-image.ts";

export interface PythonIndex {
  /** Of the simple API; by default pip's own. */
  readonly indexUrl?: string | undefined;
  /** A directory of wheels. */
  readonly findLinks?: string | undefined;
  /** Only the directory of wheels. */
  readonly noIndex?: boolean | undefined;
}

/** A wheel that was fetched (PEP 427). */
export interface Wheel {
  readonly path: string;
  readonly name: string;
  readonly version: string;
  /** Hexadecimal. */
  readonly sha256: string;
}

export interface FetchWheelsOptions {
  readonly runCommand: RunCommand;
  readonly target: PythonTarget;
  /** OCI name. */
  readonly architecture: string;
  readonly index: PythonIndex | undefined;
  readonly directory: string;
}

/**
 * pip in a process that cannot start another one: to build a source distribution, or to ask version control, is to run
 * somebody's code, and neither `--only-binary` nor any other option stops that for a dependency given as a URL.
 * Environment markers are those of the Python that runs it, so it must be the image's.
 */
const PROGRAM = `
import runpy, sys
if sys.version_info[:2] != (3, int(sys.argv.pop(1))):
    sys.exit("pratique: python3 here is %d.%d" % sys.version_info[:2])
REFUSED = ("subprocess.Popen", "os.system", "os.exec", "os.fork", "os.forkpty", "os.posix_spawn", "os.spawn")
def refuse(event, args):
    if event in REFUSED:
        raise OSError("pratique: no process may be started")
sys.addaudithook(refuse)
sys.argv[0] = "pip"
runpy.run_module("pip", run_name="__main__", alter_sys=True)
`;

const PYTHON = "/usr/bin/python3";
const MACHINES: Readonly<Record<string, string>> = { amd64: "x86_64", arm64: "aarch64" };
const WHEEL = /^([A-Za-z0-9_.]+)-([^-]+)(?:-[0-9][^-]*)?-[^-]+-[^-]+-[^-]+\.whl$/;
/** PEP 508 on one line, without URLs, paths and options. */
const REQUIREMENT =
  /^[A-Za-z0-9][A-Za-z0-9._-]*[ \t]*(?:\[[A-Za-z0-9._, \t-]*\])?[ \t]*(?:\(?[<>=!~][^;@/\\\r\n]*)?(?:;[^@/\\\r\n]*)?$/;

/** @throws `mcp-server.unverifiable` for what is no plain requirement */
export function checkRequirement(requirement: string, source: string): string {
  const text = requirement.trim();
  if (text.length <= 512 && REQUIREMENT.test(text)) return text;
  const dependency = text.slice(0, 200);
  throw packagingErrors("mcp-server.unverifiable", { source, dependency, reason: "it is no name of the index" });
}

/** PEP 600: every older glibc's wheels load, too; and the three names before it. */
export function platformTags({ glibcMinor }: PythonTarget, architecture: string): string[] {
  const machine = MACHINES[architecture] ?? architecture;
  const tags: string[] = [];
  for (let minor = glibcMinor; minor >= 5; minor -= 1) tags.push(`manylinux_2_${minor}_${machine}`);
  return [...tags, `manylinux2014_${machine}`, `manylinux2010_${machine}`, `manylinux1_${machine}`, `linux_${machine}`];
}

/**
 * Fetches the wheels of requirements and of all they need.
 * @throws `mcp-server.unverifiable`, `mcp-server.needs-build`, `mcp-server.fetch-failed`
 */
export async function fetchWheels(
  requirements: readonly string[],
  source: string,
  o: FetchWheelsOptions,
): Promise<Wheel[]> {
  const wanted = requirements.map((requirement) => checkRequirement(requirement, source));
  if (wanted.length === 0) return [];
  const destination = join(o.directory, "wheels");
  await mkdir(destination, { recursive: true });
  const { indexUrl, findLinks, noIndex } = o.index ?? {};
  const result = await o
    .runCommand(
      PYTHON,
      [
        "-I",
        "-c",
        PROGRAM,
        String(o.target.minor),
        "download",
        "--disable-pip-version-check",
        "--no-input",
        "--no-cache-dir",
        "--progress-bar=off",
        "--quiet",
        "--only-binary=:all:",
        "--implementation=cp",
        `--python-version=3.${o.target.minor}`,
        ...platformTags(o.target, o.architecture).map((tag) => `--platform=${tag}`),
        ...(indexUrl === undefined ? [] : [`--index-url=${indexUrl}`]),
        ...(findLinks === undefined ? [] : [`--find-links=${findLinks}`]),
        ...(noIndex === true ? ["--no-index"] : []),
        `--dest=${destination}`,
        "--",
        ...wanted,
      ],
      { cwd: o.directory, maxOutputBytes: 1024 * 1024, timeoutMs: 600_000 },
    )
    .catch((cause: unknown) => {
      throw failed(source, "python3 cannot be run: apt-get install python3-pip", cause);
    });
  if (result.code !== 0) throw pipError(source, result.stderr);
  const wheels: Wheel[] = [];
  for (const file of (await readdir(destination)).sort()) {
    const match = WHEEL.exec(file);
    if (match === null) throw needsBuild(source, `${file} is no wheel`);
    const path = join(destination, file);
    const sha256 = hexOf(await digestOfFile({ absolute: path, path: file }));
    wheels.push({ path, name: (match[1] ?? "").replace(/_/g, "-"), version: match[2] ?? "", sha256 });
  }
  return wheels;
}

function failed(source: string, reason: string, cause?: unknown): Error {
  return packagingErrors("mcp-server.fetch-failed", { source, reason }, cause === undefined ? {} : { cause });
}

function needsBuild(source: string, reason: string): Error {
  return packagingErrors("mcp-server.needs-build", { source, reason });
}

function pipError(source: string, stderr: string): Error {
  const lines = stderr.split("\n").map((line) => line.trim());
  if (stderr.includes("pratique: no process may be started")) return needsBuild(source, "a dependency is source code");
  if (/No module named '?pip/.test(stderr)) return failed(source, "pip is missing: apt-get install python3-pip");
  const said =
    lines.findLast((line) => /^(?:ERROR: (?!Exception:)|pratique:)/.test(line)) ??
    lines.findLast((line) => line !== "");
  const reason = (said ?? "pip failed").replace(/^ERROR: /, "").slice(0, 300);
  // Its versions are listed, and none of them has a wheel that fits.
  const found = lines.some((line) => /no wheels|sdist|only-binary/i.test(line));
  return found ? needsBuild(source, reason) : failed(source, reason);
}
