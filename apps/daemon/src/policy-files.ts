// Reads a directory of policies: the schema, `*.cedar`, and `tests/*.yaml`. Policy itself does no I/O.
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { loadPolicySet, PolicyCase, type PolicySet } from "@pratique/policy";
import { parse } from "yaml";
import { z } from "zod";
import { daemonErrors } from "./errors.ts";

const SCHEMA_FILE = "pratique.cedarschema";
const MAX_FILES = 500;

/** Loads and validates the policy set of a directory. @throws `policy.no-files`, `policy.invalid` */
export async function readPolicySet(directory: string): Promise<PolicySet> {
  let names: string[];
  try {
    names = (await readdir(directory)).filter((name) => name.endsWith(".cedar")).sort();
  } catch (cause) {
    throw daemonErrors("policy.no-files", { directory }, { cause });
  }
  if (names.length === 0 || names.length > MAX_FILES) throw daemonErrors("policy.no-files", { directory });
  let schema: string;
  try {
    schema = await readFile(join(directory, SCHEMA_FILE), "utf8");
  } catch (cause) {
    throw daemonErrors("policy.no-files", { directory }, { cause });
  }
  const texts = await Promise.all(
    names.map(async (name) => [name, await readFile(join(directory, name), "utf8")] as const),
  );
  return loadPolicySet({ schema, files: Object.fromEntries(texts) });
}

/** The cases of `tests/*.yaml` beside the policies. @throws `control.bad-request` when a table is malformed */
export async function readPolicyCases(directory: string): Promise<PolicyCase[]> {
  const folder = join(directory, "tests");
  const names = (await readdir(folder).catch((): string[] => [])).filter((name) => name.endsWith(".yaml")).sort();
  const cases: PolicyCase[] = [];
  for (const name of names) {
    const parsed = z.array(PolicyCase).safeParse(parse(await readFile(join(folder, name), "utf8")));
    if (!parsed.success) {
      throw daemonErrors("control.bad-request", {
        problem: `${name}: ${z.prettifyError(parsed.error).split("\n")[0]}`,
      });
    }
    cases.push(...parsed.data);
  }
  return cases;
}
