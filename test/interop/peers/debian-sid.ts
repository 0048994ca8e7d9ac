// Real peers for interop tests: tools of Debian sid that run without touching the host's packages.
import { join } from "node:path";
import { ensureSidTree, execute, skipWithout, type ProcessResult, type SidTree, type Skippable } from "./sid-tree.ts";

export type PeerName = "cosign" | "oras";
export type PeerResult = ProcessResult;

export interface PeerRunOptions {
  readonly cwd?: string;
  /** Added to a bare environment: PATH, and a HOME inside the cache. */
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string | Uint8Array;
  /** Default 60 s; then the peer is killed and `code` is -1. */
  readonly timeoutMs?: number;
}

export interface PeerTool {
  readonly name: PeerName;
  /** The Debian version, e.g. `3.1.1-2`: sid rolls, so say it with each result. */
  readonly version: string;
  run(args: readonly string[], options?: PeerRunOptions): Promise<PeerResult>;
}

/** The peer, fetched from Debian sid on first use; undefined where it cannot be had. */
export async function ensurePeer(name: PeerName): Promise<PeerTool | undefined> {
  const tree = await ensureSidTree(name);
  return typeof tree === "string" ? undefined : peerIn(tree, name);
}

/** The peer, or the test is skipped with the reason; in CI a missing peer is a failure. */
export async function peerOrSkip(context: Skippable, name: PeerName): Promise<PeerTool> {
  const tree = await ensureSidTree(name);
  return typeof tree === "string" ? skipWithout(context, name, tree) : peerIn(tree, name);
}

function peerIn({ root, loader, libraryPath, version, home }: SidTree, name: PeerName): PeerTool {
  const program = [loader, "--library-path", libraryPath, join(root, "usr/bin", name)];
  return {
    name,
    version,
    run: (args, options = {}) =>
      execute([...program, ...args], { ...options, env: { PATH: "/usr/bin:/bin", HOME: home, ...options.env } }),
  };
}
