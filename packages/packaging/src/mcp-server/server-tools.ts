// What reading a server needs of this machine.
import type { RunCommand } from "../run-command.ts";
import type { PythonIndex } from "./python-wheels.ts";
import type { BundleEntry } from "./raw-bundle.ts";

export interface ServerTools {
  readonly runCommand: RunCommand;
  readonly cacheDirectory: string;
  /** OCI name, `amd64` or `arm64`. */
  readonly architecture: string;
  readonly bundle?: BundleEntry | undefined;
  /** The npm registry; by default npm's own. */
  readonly npmRegistry?: string | undefined;
  readonly python?: PythonIndex | undefined;
  readonly fetch?: typeof fetch | undefined;
}
