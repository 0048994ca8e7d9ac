// The default policies as text, so that a test can add rules of its own.
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { PolicySources } from "@pratique/policy";

export async function readPolicySources(directory: string): Promise<PolicySources> {
  const names = (await readdir(directory)).filter((name) => name.endsWith(".cedar"));
  const texts = await Promise.all(names.map((name) => readFile(join(directory, name), "utf8")));
  return {
    schema: await readFile(join(directory, "pratique.cedarschema"), "utf8"),
    files: Object.fromEntries(names.map((name, index) => [name, texts[index] ?? ""])),
  };
}
