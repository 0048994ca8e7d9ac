// `pratique db import`: brings in advisories from a dump on this machine.
import { resolve } from "node:path";
import type { FeedFormat } from "@pratique/contracts";
import { printChange } from "../kit/advisory-lines.ts";
import { textFlag, type Command } from "../kit/command.ts";
import { cliErrors } from "../errors.ts";

const FORMATS: Readonly<Record<FeedFormat, true>> = {
  osv: true,
  "debian-tracker": true,
  "alpine-secdb": true,
  csaf: true,
  kev: true,
  epss: true,
};

export const dbImport: Command = {
  name: "db import",
  group: "artifacts",
  summary: "bring in advisories from a dump, a directory or a document",
  description:
    "Reads OSV (a zip, a directory or one record), the Debian security tracker's JSON, Alpine's secdb, Red Hat's CSAF, CISA's KEV (JSON or CSV) and EPSS (CSV), plain or compressed with gzip or zstd. The import is whole or not there.\nA single record, and what is imported with --partial, adds findings but makes no ecosystem count as checked.",
  usage: "<path>",
  minArgs: 1,
  maxArgs: 1,
  flags: {
    format: {
      type: "string",
      value: "FORMAT",
      summary: `one of ${Object.keys(FORMATS).join(", ")}; found out by default`,
    },
    source: { type: "string", value: "NAME", summary: "the source under which it is kept" },
    replace: { type: "boolean", summary: "the source becomes exactly this, instead of being added to" },
    partial: { type: "boolean", summary: "some advisories, not all of an ecosystem" },
    older: { type: "boolean", summary: "take it although the source has newer data" },
  },
  examples: ["pratique db import ./PyPI/all.zip", "pratique db import debian.json.gz", "pratique db import kev.json"],
  async run({ args, flags, context }) {
    const source = textFlag(flags, "source");
    const client = await context.client();
    const result = await client.importAdvisories({
      path: resolve(context.workingDirectory, args[0] ?? ""),
      ...formatOf(textFlag(flags, "format")),
      ...(source === undefined ? {} : { source }),
      replace: flags["replace"] === true,
      partial: flags["partial"] === true,
      older: flags["older"] === true,
    });
    return printChange(context, result);
  },
};

function formatOf(text: string | undefined): { format?: FeedFormat } {
  if (text === undefined) return {};
  if (!isFormat(text))
    throw cliErrors("cli.usage", { what: `--format ${text} is none` }, { hint: "pratique help db import" });
  return { format: text };
}

function isFormat(text: string): text is FeedFormat {
  return Object.hasOwn(FORMATS, text);
}
