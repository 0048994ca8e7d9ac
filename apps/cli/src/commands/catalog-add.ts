// `pratique catalog add`: one server into a catalog: packed, signed, cleared, and asked for its tools.
import { resolve } from "node:path";
import { textFlag, type Command } from "../kit/command.ts";
import { showEdit } from "../kit/catalog-words.ts";
import { usageError } from "../kit/run-command.ts";
import { counted, shortDigest } from "../kit/words.ts";

export const catalogAdd: Command = {
  name: "catalog add",
  group: "artifacts",
  summary: "put a server into a catalog: pack, sign and clear it, and ask it for its tools",
  description:
    "The source is a reference of the own registry, or whatever `pratique pack` takes: npm:NAME@VERSION, pypi:NAME==VERSION, registry:NAME, image:REFERENCE, a bundle, a server.json. Tools are listed in a sandbox without network. Say what it may reach with --host, or that it reaches nothing with --no-network.",
  usage: "<directory> <source>",
  minArgs: 2,
  maxArgs: 2,
  flags: {
    name: { type: "string", value: "NAME", summary: "of the entry; by default the server's own" },
    host: {
      type: "string",
      value: "HOST:PORT",
      multiple: true,
      summary: "it may reach this; `*.example.com:443` for what lies below",
    },
    "no-network": { type: "boolean", summary: "it reaches nothing" },
    "no-clear": { type: "boolean", summary: "neither sign nor clear it, and do not start it" },
  },
  examples: [
    "pratique catalog add ./catalog npm:@modelcontextprotocol/server-memory@2026.8.31 --no-network",
    "pratique catalog add ./catalog team/weather:1.0.0 --host api.weather.example:443",
  ],
  async run({ args, flags, context }) {
    const { terminal } = context;
    const hosts = Array.isArray(flags["host"]) ? [...flags["host"]] : [];
    if (flags["no-network"] === true && hosts.length > 0)
      throw usageError("--no-network and --host contradict", "leave one away");
    const name = textFlag(flags, "name");
    const source = args[1]!;
    const isFile = /^\.{0,2}\//.test(source);
    const client = await context.client();
    const answer = await client.catalogs.add({
      directory: resolve(context.workingDirectory, args[0]!),
      source: isFile ? resolve(context.workingDirectory, source) : source,
      clear: flags["no-clear"] !== true,
      ...(name === undefined ? {} : { name }),
      ...(flags["no-network"] === true || hosts.length > 0 ? { hosts } : {}),
    });
    if (context.json) terminal.out(JSON.stringify(answer, null, 2));
    else {
      showEdit(terminal, answer);
      const { entry, cleared, inspected } = answer;
      const digest = entry.image?.digest;
      terminal.out(
        `  ${digest === undefined ? "" : `${shortDigest(digest)}, `}${cleared ? "cleared" : "not cleared"}, ${counted(entry.tools.length, "tool")}${inspected ? " as it lists them" : ""}`,
      );
    }
    return 0;
  },
};
