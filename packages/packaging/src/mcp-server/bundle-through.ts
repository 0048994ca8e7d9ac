// The bundler in a process of its own: what it is fed comes from outside, and its memory goes when it ends.
import { parseJson } from "@pratique/core";
import type { RunCommand } from "../run-command.ts";
import { RawBundle, type BundleEntry } from "./raw-bundle.ts";

export interface BundleThroughOptions {
  readonly runCommand: RunCommand;
  /** The Node that runs the host. */
  readonly node: string;
  /** The host's entry file; by default the source beside this package. A build hands in its own. */
  readonly hostFile?: string | undefined;
}

const MAX_OUTPUT_BYTES = 192 * 1024 * 1024;
const TIMEOUT_MS = 180_000;

/** A bundler that runs `bundle-host.ts` once for each server. */
export function bundleThrough(options: BundleThroughOptions): BundleEntry {
  const hostFile = options.hostFile ?? new URL("../bundle-host.ts", import.meta.url).pathname;
  return async (root, entry) => {
    const { code, stdout, stderr } = await options.runCommand(options.node, [hostFile, root, entry], {
      cwd: root,
      maxOutputBytes: MAX_OUTPUT_BYTES,
      timeoutMs: TIMEOUT_MS,
    });
    if (code !== 0)
      throw new Error(stderr.split("\n").find((line) => line.trim() !== "") ?? `the bundler ended with code ${code}`);
    return RawBundle.parse(parseJson(Buffer.from(stdout).toString("utf8"), "the bundler's answer"));
  };
}
