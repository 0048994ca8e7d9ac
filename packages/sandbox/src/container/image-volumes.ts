// Directories that an image declares to be volumes. An engine would give each a directory of the host's disk, without a
// bound: they become memory of the sandbox, like whatever else in it can be written.
import type { SandboxSpec } from "../sandbox.ts";

/** @returns the same with a writable directory for each volume that nothing else is put at */
export function withImageVolumes(spec: SandboxSpec, volumes: readonly string[]): SandboxSpec {
  const { writable = [], mounts = [] } = spec;
  const taken = new Set([...writable.map(({ path }) => plain(path)), ...mounts.map(({ target }) => plain(target))]);
  const added = [...new Set(volumes.map(plain))].filter((path) => !taken.has(path) && !OURS.has(path));
  return added.length === 0 ? spec : { ...spec, writable: [...writable, ...added.map((path) => ({ path }))] };
}

/** Bounded and writable in every sandbox. */
const OURS = new Set(["/tmp", "/var/tmp", "/run"]);

function plain(path: string): string {
  return path.replace(/(?<=.)\/$/, "");
}
