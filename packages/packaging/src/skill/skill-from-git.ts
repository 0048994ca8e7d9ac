// Skills in git repositories: cloned by git itself, shallow, without hooks, submodules or prompts.
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { packagingErrors } from "../errors.ts";
import type { RunCommand } from "../run-command.ts";
import { skillFromDirectory, type FoundSkill } from "./skill-sources.ts";

export interface GitSource {
  /** `https://…`, or `file://…` for one on this machine. */
  readonly url: string;
  /** A branch or tag; by default the repository's own. */
  readonly ref: string | undefined;
  /** Directory of the skill in it. */
  readonly path: string;
}

const TIMEOUT_MS = 120_000;
const REF = /^[A-Za-z0-9][A-Za-z0-9._/-]{0,200}$/;

/** `git+https://host/repository.git[#ref][:path]`. @throws `skill.source-invalid` */
export function parseGitSource(text: string): GitSource {
  const wrong = (reason: string): Error =>
    packagingErrors("skill.source-invalid", { source: text.slice(0, 200), reason });
  const match = /^git\+((?:https|file):\/\/[^#\s]+)(?:#([^:\s]*)(?::(\S+))?)?$/.exec(text);
  if (match === null) throw wrong("write it as git+https://host/repository.git#tag:directory");
  const [, url = "", ref = "", path = ""] = match;
  const parsed = URL.parse(url);
  if (parsed === null || parsed.username !== "" || parsed.password !== "") throw wrong("its address is not plain");
  if (ref !== "" && !REF.test(ref)) throw wrong("what follows # is no branch or tag");
  if (path.split("/").some((part) => part === ".." || part === "." || part.startsWith("-")) || path.startsWith("/")) {
    throw wrong("the directory leaves the repository");
  }
  return { url, ref: ref === "" ? undefined : ref, path };
}

/** @param directory does not exist yet; it is gone afterwards. @throws `skill.git-failed`, `skill.not-found`, `artifact.*` */
export async function skillFromGit(
  source: GitSource,
  o: { readonly directory: string; readonly runCommand: RunCommand },
): Promise<FoundSkill> {
  const settings = [
    ["protocol.allow", "never"],
    ["protocol.https.allow", "always"],
    ["protocol.file.allow", "always"],
    ["core.hooksPath", "/dev/null"],
    ["core.symlinks", "false"],
    ["core.askPass", "true"],
    ["credential.helper", ""],
    ["http.followRedirects", "initial"],
  ].flatMap(([key, value]) => ["-c", `${key}=${value}`]);
  const branch = source.ref === undefined ? [] : ["--branch", source.ref];
  const args = [...settings, "clone", "--quiet", "--depth=1", "--single-branch", "--no-recurse-submodules", ...branch];
  try {
    const { code, stderr } = await o.runCommand("git", [...args, "--", source.url, o.directory], {
      maxOutputBytes: 1024 * 1024,
      timeoutMs: TIMEOUT_MS,
    });
    if (code !== 0) throw failed(source, stderr.trim().split("\n").at(-1) ?? `exit ${code}`);
    const commit = await o.runCommand("git", ["-C", o.directory, "rev-parse", "HEAD"], {
      maxOutputBytes: 4096,
      timeoutMs: TIMEOUT_MS,
    });
    const found = await skillFromDirectory(join(o.directory, source.path));
    return {
      ...found,
      source: `git+${source.url}@${Buffer.from(commit.stdout).toString("utf8").trim().slice(0, 64)}`,
      directory: source.path === "" ? undefined : found.directory,
    };
  } finally {
    await rm(o.directory, { recursive: true, force: true });
  }
}

function failed({ url }: GitSource, reason: string): Error {
  return packagingErrors("skill.git-failed", { url, reason: reason.slice(0, 300) });
}
