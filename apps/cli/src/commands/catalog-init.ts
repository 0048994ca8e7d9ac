// `pratique catalog init`: writes an empty catalog.yaml.
import { basename, resolve } from "node:path";
import { textFlag, type Command } from "../kit/command.ts";

export const catalogInit: Command = {
  name: "catalog init",
  group: "artifacts",
  summary: "begin a catalog: a signed list of the MCP servers that may be used",
  usage: "[directory]",
  maxArgs: 1,
  flags: {
    name: { type: "string", value: "NAME", summary: "of the catalog; by default the directory's" },
    title: { type: "string", value: "TEXT", summary: "for people" },
  },
  examples: [
    "pratique catalog init ./catalog",
    'pratique catalog init ./catalog --name acme --title "Servers of ACME"',
  ],
  async run({ args, flags, context }) {
    const { terminal } = context;
    const directory = resolve(context.workingDirectory, args[0] ?? ".");
    const name =
      textFlag(flags, "name") ??
      basename(directory)
        .toLowerCase()
        .replace(/[^a-z0-9._-]+/g, "-");
    const title = textFlag(flags, "title");
    const client = await context.client();
    const answer = await client.catalogs.init({ directory, name, ...(title === undefined ? {} : { title }) });
    if (context.json) terminal.out(JSON.stringify(answer, null, 2));
    else {
      terminal.out(`${terminal.paint("good", "✓")} ${answer.file}`);
      terminal.note(`  next: pratique catalog add ${args[0] ?? "."} npm:@modelcontextprotocol/server-memory@VERSION`);
    }
    return 0;
  },
};
