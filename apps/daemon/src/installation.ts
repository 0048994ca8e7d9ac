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
