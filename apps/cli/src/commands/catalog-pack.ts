// `pratique catalog pack`: packs, signs and clears the servers of a catalog that have no image yet.
import { resolve } from "node:path";
import { isPratiqueError } from "@pratique/core";
import type { Command } from "../kit/command.ts";
import { counted, shortDigest } from "../kit/words.ts";

export const catalogPack: Command = {
  name: "catalog pack",
  group: "artifacts",
  summary: "pack, sign and clear the servers of a catalog that have no image yet",
  description: "Each from what its entry says it is packed from (npm:…, pypi:…, registry:…), and asked for its tools.",
  usage: "<directory> [name…]",
  minArgs: 1,
  maxArgs: 100,
  examples: ["pratique catalog pack ./catalogs/starter", "pratique catalog pack ./catalogs/starter memory filesystem"],
  async run({ args, context }) {
    const { terminal } = context;
    const [given = ".", ...names] = args;
    const directory = resolve(context.workingDirectory, given);
    const { catalogs } = await context.client();
    const { entries } = await catalogs.list({ place: directory });
    const pending = entries.filter(({ name, runs }) =>
      names.length === 0 ? runs === "nothing" : names.includes(name),
    );
    const results: { name: string; cleared: boolean; tools: number; error?: string }[] = [];
    for (const { name } of pending) {
      const { entry } = await catalogs.show(name, directory);
      if (entry.source === undefined) continue;
      try {
        const {
          entry: packed,
          cleared,
          notes,
        } = await catalogs.add({ directory, source: entry.source, name, clear: true });
        results.push({ name, cleared, tools: packed.tools.length });
        if (context.json) continue;
        const digest = packed.image?.digest ?? "";
        const sign = cleared ? terminal.paint("good", "✓") : terminal.paint("warn", "!");
        terminal.out(`${sign} ${name}  ${shortDigest(digest)}  ${counted(packed.tools.length, "tool")}`);
        for (const note of notes) terminal.note(`  note: ${note}`);
      } catch (error) {
        // The next may well be packed.
        if (!isPratiqueError(error)) throw error;
        results.push({ name, cleared: false, tools: 0, error: error.code });
        if (!context.json) terminal.out(`${terminal.paint("bad", "✗")} ${name}  ${error.message} [${error.code}]`);
      }
    }
    if (context.json) terminal.out(JSON.stringify(results, null, 2));
    else if (results.length === 0) terminal.note("  nothing to pack");
    return results.some(({ error }) => error !== undefined) ? 1 : results.some(({ cleared }) => !cleared) ? 3 : 0;
  },
};
