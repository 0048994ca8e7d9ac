// `pratique catalog ls` and `search`: the servers that catalogs list.
import type { CatalogListing } from "@pratique/contracts";
import type { Command, Context } from "../kit/command.ts";
import { placeOf } from "../kit/catalog-words.ts";
import { columns } from "../kit/terminal.ts";

export const catalogLs: Command = {
  name: "catalog ls",
  group: "artifacts",
  summary: "list the servers of the catalogs in force, or of one catalog",
  usage: "[reference or directory]",
  maxArgs: 1,
  examples: ["pratique catalog ls", "pratique catalog ls catalogs/acme:latest", "pratique catalog ls ./catalog"],
  async run({ args, context }) {
    const [place] = args;
    const listing = await (
      await context.client()
    ).catalogs.list(place === undefined ? {} : { place: placeOf(place, context.workingDirectory) });
    show(context, listing);
    return 0;
  },
};

export const catalogSearch: Command = {
  name: "catalog search",
  group: "artifacts",
  summary: "find servers of the catalogs in force by name, description, tag or tool",
  usage: "<words>",
  minArgs: 1,
  maxArgs: 20,
  examples: ["pratique catalog search weather", "pratique catalog search create issue"],
  async run({ args, context }) {
    show(context, await (await context.client()).catalogs.list({ search: args.join(" ") }));
    return 0;
  },
};

function show(context: Context, { catalogs, entries }: CatalogListing): void {
  const { terminal } = context;
  if (context.json) return terminal.out(JSON.stringify({ catalogs, entries }, null, 2));
  for (const { place, problem } of catalogs) {
    if (problem !== undefined) terminal.note(`  ${place} does not count: ${problem}`);
  }
  if (entries.length > 0) {
    terminal.out(
      columns(
        entries.map((entry) => [
          entry.name,
          entry.version ?? "-",
          entry.runs,
          `${entry.tools} tools`,
          entry.unstated
            ? "reach unknown"
            : entry.hosts.length === 0
              ? "no network"
              : entry.hosts.slice(0, 2).join(", ") + (entry.hosts.length > 2 ? ", …" : ""),
          (entry.title ?? entry.description ?? "").slice(0, 60),
        ]),
      ),
    );
  }
  if (catalogs.length === 0) terminal.note("  no catalog is configured: gateway.catalog in pratique.yaml names it");
  else if (entries.length === 0) terminal.note("  no server");
}
