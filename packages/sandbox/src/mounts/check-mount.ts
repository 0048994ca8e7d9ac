// Whether a host directory may be put into a sandbox: links resolved, nothing that gives the host away, read-only unless
// the configuration names it.
import { realpath, stat } from "node:fs/promises";
import { isAbsolute, join, relative, resolve, sep } from "node:path";
import { sandboxErrors } from "../errors.ts";
import type { Mount } from "../sandbox.ts";

export interface MountRules {
  /** Of the person whose machine it is. */
  readonly homeDirectory: string;
  /** Our own state and whatever else must stay out, with all below. */
  readonly forbidden: readonly string[];
  /** Host paths that a server may write to when its entry asks for it: exactly these. */
  readonly writable: readonly string[];
}

/** Of the machine: with all that is below, and all that is above, since that contains them. */
const MACHINE = [
  "/boot",
  "/dev",
  "/etc",
  "/proc",
  "/root",
  "/run",
  "/sys",
  "/var/lib/containers",
  "/var/lib/docker",
  "/var/lib/containerd",
  "/var/lib/kubelet",
  "/var/run",
  "/var/spool",
];
/** Themselves: the sockets and files of everybody lie there, and what is ours below them. */
const SHARED = ["/tmp", "/var/tmp", "/home", "/Users"];
/** Of a person: keys, tokens, sessions, and what a shell or a desktop runs at the next login. Whatever else is hidden is refused as well. */
const PERSONAL = [
  ".ssh",
  ".gnupg",
  ".aws",
  ".azure",
  ".config",
  ".docker",
  ".kube",
  ".netrc",
  ".npmrc",
  ".pypirc",
  ".git-credentials",
  ".gitconfig",
  ".password-store",
  ".mozilla",
  ".thunderbird",
  ".local",
  ".cargo",
  ".terraform.d",
  ".vault-token",
  ".bashrc",
  ".bash_profile",
  ".bash_history",
  ".profile",
  ".zshrc",
  ".zprofile",
  ".claude",
  ".codex",
  ".cursor",
  ".gemini",
  "Library",
];

/** `/host/path:/inside[:ro|:rw]`, as an entry has it once its values are filled in. @throws `sandbox.mount-refused` */
export async function checkMount(volume: string, rules: MountRules): Promise<Mount> {
  const [, wanted, target, mode = "ro"] = /^([^:\0\n]+):([^:\0\n]+?)(?::(ro|rw))?$/.exec(volume) ?? [];
  if (wanted === undefined || target === undefined) throw refused(volume, "write /host/path:/inside, with :ro or :rw");
  const named = wanted === "~" || wanted.startsWith("~/") ? join(rules.homeDirectory, wanted.slice(1)) : wanted;
  if (!isAbsolute(named)) throw refused(wanted, "it is not absolute");
  // A link may lead anywhere; it is what it leads to that is mounted.
  const source = await realpath(named).catch(() => {
    throw refused(named, "it is not there");
  });
  const stats = await stat(source);
  if (!stats.isDirectory() && !stats.isFile()) throw refused(source, "it is neither a directory nor a file");
  const resolved = async (path: string): Promise<string> => await realpath(path).catch(() => resolve(path));
  const personal = PERSONAL.map((name) => join(rules.homeDirectory, name));
  for (const place of [...MACHINE, ...personal, ...rules.forbidden]) {
    // Both as it is written and where it leads.
    for (const secret of new Set([place, await resolved(place)])) {
      // A person's own directories may lie in /root.
      if (secret === "/root" && rules.homeDirectory === "/root" && isBelow(source, "/root")) continue;
      if (source === secret || isBelow(source, secret)) throw refused(source, `it belongs to ${secret}`);
      if (isBelow(secret, source)) throw refused(source, `${secret} lies in it`);
    }
  }
  for (const place of SHARED)
    if (source === (await resolved(place))) throw refused(source, "everybody's files lie in it");
  const home = await resolved(rules.homeDirectory);
  if (isBelow(source, home) && relative(home, source).startsWith(".")) {
    throw refused(source, "what is hidden in a home directory may be keys");
  }
  const writable = await Promise.all(rules.writable.map(resolved));
  // The engine looks the path up again, and until then a server that writes there may have changed what it leads to.
  if (writable.some((directory) => isBelow(source, directory) && !writable.includes(source))) {
    throw refused(source, "it lies in a directory that servers write to");
  }
  if (mode === "ro") return { source, target, isWritable: false };
  if (!writable.includes(source)) {
    throw refused(source, "nothing in the configuration says that a server may write to it");
  }
  return { source, target, isWritable: true };
}

function isBelow(path: string, directory: string): boolean {
  return path.startsWith(directory.endsWith(sep) ? directory : `${directory}${sep}`);
}

function refused(path: string, reason: string): Error {
  return sandboxErrors("sandbox.mount-refused", { path: path.slice(0, 300), reason });
}
