// Where the program itself lies: policies, examples and the console come with it.
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The directory that holds `policies/`: the repository in a checkout, the package in an installation. */
export function installationDirectory(): string {
  let directory = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(directory, "policies", "pratique.cedarschema"))) {
    const parent = dirname(directory);
    if (parent === directory) throw new Error("policies/pratique.cedarschema is missing from this installation");
    directory = parent;
  }
  return directory;
}

/** In a build each child process has a file of its own; from source its package finds it itself. */
export function builtFile(installation: string, name: string): string | undefined {
  return import.meta.url.endsWith(".ts") ? undefined : join(installation, "dist", name);
}
