// Writes `policy.packs` into `pratique.yaml`, and leaves everything else in it as it is, comments too.
import { readFile, realpath, stat } from "node:fs/promises";
import { Config } from "@pratique/contracts";
import { writeFileDurably } from "@pratique/store";
import { isMap, parseDocument } from "yaml";
import { daemonErrors } from "../errors.ts";

/** @throws `config.invalid`, `store.not-writable` */
export async function writePacks(configFile: string, packs: readonly string[]): Promise<void> {
  const { text, mode } = await readConfig(configFile);
  const document = parseDocument(text, { uniqueKeys: true });
  const [error] = document.errors;
  if (error !== undefined) {
    throw daemonErrors("config.invalid", { file: configFile, problem: error.message.split("\n")[0] ?? "" });
  }
  if (isMap(document.get("policy"))) document.setIn(["policy", "packs"], [...packs]);
  else document.set("policy", document.createNode({ packs: [...packs] }));
  if (packs.length === 0) document.deleteIn(["policy", "packs"]);
  const policy = document.get("policy");
  if (isMap(policy) && policy.items.length === 0) document.delete("policy");
  const isEmpty = isMap(document.contents) && document.contents.items.length === 0;
  if (!Config.safeParse(document.toJS({ maxAliasCount: 20 }) ?? {}).success) {
    throw daemonErrors("config.invalid", { file: configFile, problem: "policy.packs cannot be put into it" });
  }
  // A link leads to where the owner keeps it; it is not to become a file.
  const target = await realpath(configFile).catch(() => configFile);
  await writeFileDurably(target, isEmpty ? "" : document.toString({ lineWidth: 0 }), { mode });
}

async function readConfig(file: string): Promise<{ text: string; mode: number }> {
  try {
    return { text: await readFile(file, "utf8"), mode: (await stat(file)).mode & 0o777 };
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return { text: "", mode: 0o600 };
    throw error;
  }
}
