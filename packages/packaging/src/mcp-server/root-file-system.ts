// The files that every base has: accounts without shells, the merged /usr, and nothing to start but node.
import type { TarEntry } from "../archive/tar-writer.ts";

/** The unprivileged user of every image made here. */
export const NONROOT = 65532;

const MERGED: readonly string[] = ["bin", "lib", "lib64", "sbin"];

/** Moves a path below the merged /usr: `lib/x` → `usr/lib/x`. */
export function mergedPath(path: string): string {
  const relative = path.replace(/^\/+/, "");
  return MERGED.some((top) => relative === top || relative.startsWith(`${top}/`)) ? `usr/${relative}` : relative;
}

const text = (path: string, body: string): TarEntry => ({ type: "file", path, body: Buffer.from(body) });
const directory = (path: string, mode = 0o755, owner = 0): TarEntry => ({ type: "directory", path, mode, owner });

/** The skeleton; directories of files that are added later are made by `withDirectories`. */
export function skeleton(osRelease: string): TarEntry[] {
  return [
    ...MERGED.map((top): TarEntry => ({ type: "symlink", path: top, target: `usr/${top}` })),
    ...MERGED.map((top) => directory(`usr/${top}`)),
    directory("home/nonroot", 0o700, NONROOT),
    directory("tmp", 0o1777),
    directory("proc"),
    directory("sys"),
    directory("dev"),
    directory("run"),
    text(
      "etc/passwd",
      `root:x:0:0:root:/root:/sbin/nologin\nnonroot:x:${NONROOT}:${NONROOT}:nonroot:/home/nonroot:/sbin/nologin\n`,
    ),
    text("etc/group", `root:x:0:\nnonroot:x:${NONROOT}:\n`),
    text("etc/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files dns\n"),
    text("etc/os-release", osRelease),
  ];
}

/** Adds the parent directories that no entry stands for. */
export function withDirectories(entries: readonly TarEntry[]): TarEntry[] {
  const present = new Set(entries.map(({ path }) => path));
  const missing = new Map<string, TarEntry>();
  for (const { path } of entries) {
    const parts = path.split("/");
    for (let depth = 1; depth < parts.length; depth += 1) {
      const parent = parts.slice(0, depth).join("/");
      if (!present.has(parent)) missing.set(parent, directory(parent));
    }
  }
  return [...missing.values(), ...entries];
}
