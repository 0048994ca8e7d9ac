// Where a run finds what its agent names: in the agent's lock when that is what was run, else by name.
import { isAgentLock, lockedDigest, readAgentLock, type LockedType } from "@pratique/packaging";
import type { Artifacts } from "../artifacts/artifacts.ts";
import type { Found } from "../artifacts/find-artifact.ts";
import { findNamed } from "./find-named.ts";

export interface RunMembers {
  /** The agent to run: the lock's root, or what was named itself. */
  readonly agent: Found;
  readonly isLocked: boolean;
  find(type: Exclude<LockedType, "root">, name: string): Promise<Found | undefined>;
}

/** @throws `artifact.malformed` when a lock is not sound, `artifact.not-found` when its root is gone */
export async function openRunMembers(artifacts: Artifacts, found: Found): Promise<RunMembers> {
  const manifest = await found.repository.manifest(found.descriptor.digest);
  if (manifest === undefined || !isAgentLock(manifest)) {
    return { agent: found, isLocked: false, find: (_type, name) => findNamed(artifacts, name, found) };
  }
  const members = readAgentLock(manifest);
  const pinned = (digest: string): Promise<Found> => artifacts.find(`${found.repository.name}@${digest}`);
  return {
    agent: await pinned(members.find(({ type }) => type === "root")!.descriptor.digest),
    isLocked: true,
    async find(type, name) {
      // Nothing beside the lock: what it does not pin is not there.
      const digest = lockedDigest(members, type, name);
      return digest === undefined ? undefined : pinned(digest);
    },
  };
}
