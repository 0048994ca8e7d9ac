// `pratique catalog import`: entries of others' catalogs, without loss.
import { resolve } from "node:path";
import type { CatalogImportRequest } from "@pratique/contracts";
import { textFlag, type Command } from "../kit/command.ts";
import { showEdit } from "../kit/catalog-words.ts";
import { usageError } from "../kit/run-command.ts";

const FORMATS = ["docker", "toolhive", "registry", "mcpb", "server-json"] as const;

export const catalogImport: Command = {
  name: "catalog import",
  group: "artifacts",
  summary: "take servers over from Docker's, ToolHive's or the official catalog, a bundle or a server.json",
  description:
    "docker: catalog.yaml, a server.yaml, or a checkout of docker/mcp-registry\ntoolhive: registry.json of either form, a spec.yaml, or a checkout of toolhive-registry\nregistry: address of a registry's API; a second time only what has changed since\nmcpb: a bundle, its signature verified\nserver-json: one server.json or a list\nNothing of what is imported is fetched or run, and nothing it says is lost.",
  usage: "<format> <path or URL>",
  minArgs: 2,
  maxArgs: 2,
  flags: {
    into: { type: "string", value: "DIR", summary: "directory of the catalog; by default this one" },
    only: { type: "string", value: "NAME", multiple: true, summary: "only this server" },
    search: { type: "string", value: "TEXT", summary: "registry: only servers whose name contains it" },
    since: { type: "string", value: "TIME", summary: "registry: only what changed since" },
    sha256: { type: "string", value: "HEX", summary: "mcpb: what the file must hash to" },
  },
  examples: [
    "pratique catalog import docker ./mcp-registry --into ./catalog --only github-official",
    "pratique catalog import registry https://registry.modelcontextprotocol.io --search weather",
    "pratique catalog import mcpb ./hello.mcpb --into ./catalog",
  ],
  async run({ args, flags, context }) {
    const { terminal } = context;
    const [format = "", source = ""] = args;
    const known = FORMATS.find((one) => one === format);
    if (known === undefined) throw usageError(`\`${format}\` is no format`, `formats are ${FORMATS.join(", ")}`);
    const [search, since, sha256] = ["search", "since", "sha256"].map((flag) => textFlag(flags, flag));
    const request: CatalogImportRequest = {
      directory: resolve(context.workingDirectory, textFlag(flags, "into") ?? "."),
      format: known,
      source: /^https?:\/\//i.test(source) ? source : resolve(context.workingDirectory, source),
      ...(search === undefined ? {} : { search }),
      ...(since === undefined ? {} : { updatedSince: since }),
      ...(sha256 === undefined ? {} : { fileSha256: sha256.toLowerCase() }),
      ...(Array.isArray(flags["only"]) ? { only: [...flags["only"]] } : {}),
    };
    const answer = await (await context.client()).catalogs.import(request);
    if (context.json) terminal.out(JSON.stringify(answer, null, 2));
    else showEdit(terminal, answer);
    return 0;
  },
};
