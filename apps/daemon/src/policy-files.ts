// Reads a directory of policies: the schema, `*.cedar`, and `tests/*.yaml`. Policy itself does no I/O.
import { readdir, readFile } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { loadPolicySet, PolicyCase, type PolicySet } from "@pratique/policy";
import { parse } from "yaml";
import { z } from "zod";
import { daemonErrors } from "./errors.ts";
import { readPack, type PolicyPack } from "./policies/policy-pack.ts";

const SCHEMA_FILE = "pratique.cedarschema";
const MAX_FILES = 500;

/** Loads and validates the policy set of a directory, with packs beside it. @throws `policy.no-files`, `policy.invalid` */
export async function readPolicySet(directory: string, packs: readonly PolicyPack[] = []): Promise<PolicySet> {
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
  const ofPacks = packs.flatMap(({ name, files }) =>
    Object.entries(files).map(([file, text]) => [`packs/${name}/${file}`, text] as const),
  );
  return loadPolicySet({ schema, files: Object.fromEntries([...texts, ...ofPacks]) });
}

/** The cases of `tests/*.yaml` beside the policies. @throws `control.bad-request` when a table is malformed */
export async function readPolicyCases(directory: string): Promise<PolicyCase[]> {
  const folder = join(directory, "tests");
  const names = (await readdir(folder).catch((): string[] => [])).filter((name) => name.endsWith(".yaml")).sort();
  const tables = await Promise.all(
    names.map(async (name) => [name, await readFile(join(folder, name), "utf8")] as const),
  );
  return parsePolicyCases(Object.fromEntries(tables));
}

/** The cases of tables by file name. @throws `control.bad-request` when one is malformed */
export function parsePolicyCases(tables: Readonly<Record<string, string>>): PolicyCase[] {
  return Object.entries(tables).flatMap(([name, text]) => {
    const parsed = z.array(PolicyCase).safeParse(parse(text, { maxAliasCount: 1000 }));
    if (parsed.success) return parsed.data;
    throw daemonErrors("control.bad-request", { problem: `${name}: ${z.prettifyError(parsed.error).split("\n")[0]}` });
  });
}

export interface PolicyDirectory {
  readonly directory: string;
  readonly packs: readonly PolicyPack[];
}

/** A directory that somebody names: whole policies with their schema, or a pack that stands beside those in force. */
export async function policyDirectoryOf(named: string, inForce: string): Promise<PolicyDirectory> {
  const names = await readdir(named).catch((): string[] => []);
  const isPack = !names.includes(SCHEMA_FILE) && names.some((name) => name.endsWith(".cedar"));
  if (!isPack) return { directory: named, packs: [] };
  return { directory: inForce, packs: [await readPack(named, packNameOf(named))] };
}

/** A name for the pack of a directory: the directory's own, as far as packs may have it. */
export function packNameOf(directory: string): string {
  const name = basename(resolve(directory)).toLowerCase();
  return name.replaceAll(/[^a-z0-9]+/g, "-").replaceAll(/^-+|-+$/g, "") || "pack";
}
