// `pratique catalog export`: a catalog in the form of others; what was imported comes out as it came in.
import type { CatalogExportRequest } from "@pratique/contracts";
import { textFlag, type Command } from "../kit/command.ts";
import { placeOf } from "../kit/catalog-words.ts";
import { usageError } from "../kit/run-command.ts";

const FORMATS = ["yaml", "docker", "server-json", "toolhive"] as const;

export const catalogExport: Command = {
  name: "catalog export",
  group: "artifacts",
  summary: "write a catalog as YAML, or in the form of Docker's, ToolHive's or the official registry's",
  usage: "<reference or directory>",
  minArgs: 1,
  maxArgs: 1,
  flags: { format: { type: "string", value: "FORMAT", summary: `${FORMATS.join(", ")}; by default yaml` } },
  examples: ["pratique catalog export catalogs/acme:latest", "pratique catalog export ./catalog --format docker"],
  async run({ args, flags, context }) {
    const given = textFlag(flags, "format") ?? "yaml";
    const format: CatalogExportRequest["format"] | undefined = FORMATS.find((one) => one === given);
    if (format === undefined) throw usageError(`\`${given}\` is no format`, `formats are ${FORMATS.join(", ")}`);
    const place = placeOf(args[0]!, context.workingDirectory);
    const { text } = await (await context.client()).catalogs.export({ place, format });
    context.terminal.out(context.json ? JSON.stringify({ text }) : text.replace(/\n$/, ""));
    return 0;
  },
};
