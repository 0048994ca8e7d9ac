// `pratique sbom`: what an artifact consists of, in the format that somebody asks for.
import { writeFile } from "node:fs/promises";
import { resolve } from "node:path";
import type { SbomFormatName, SbomResult } from "@pratique/contracts";
import { textFlag, type Command } from "../kit/command.ts";
import { usageError } from "../kit/run-command.ts";
import { columns, type Terminal } from "../kit/terminal.ts";
import { counted, shortDigest } from "../kit/words.ts";

const FORMATS: Readonly<Record<string, SbomFormatName>> = {
  cyclonedx: "cyclonedx-1.6",
  "cyclonedx-1.6": "cyclonedx-1.6",
  "cyclonedx-1.7": "cyclonedx-1.7",
  spdx: "spdx-2.3",
  "spdx-2.3": "spdx-2.3",
  "spdx-3.0": "spdx-3.0",
};

export const sbom: Command = {
  name: "sbom",
  group: "artifacts",
  summary: "list what an artifact consists of, as CycloneDX or SPDX",
  description:
    "Takes the signed bill of materials that hangs on the artifact when there is one, and says so; otherwise looks into the " +
    "artifact. The document goes to standard output, what there is to say of it to standard error. The same artifact gives " +
    "the same bytes.",
  usage: "<reference>",
  minArgs: 1,
  maxArgs: 1,
  flags: {
    format: { type: "string", value: "FORMAT", summary: `${Object.keys(FORMATS).join(", ")}; default cyclonedx` },
    output: { type: "string", value: "FILE", summary: "write the document to a file" },
    attest: { type: "boolean", summary: "sign it and hang it on the artifact" },
    platform: { type: "string", value: "OS/ARCH", summary: "of an image for several platforms, e.g. linux/arm64" },
    fresh: { type: "boolean", summary: "look anew, whatever is attested already" },
    summary: { type: "boolean", summary: "say what is in it instead of printing it" },
  },
  examples: [
    "pratique sbom team/weather:1.0.0",
    "pratique sbom team/weather:1.0.0 --format spdx --output weather.spdx.json",
    "pratique sbom team/weather:1.0.0 --fresh --attest",
  ],
  async run({ args, flags, context }) {
    const { terminal } = context;
    const named = textFlag(flags, "format") ?? "cyclonedx";
    const format = Object.hasOwn(FORMATS, named) ? FORMATS[named] : undefined;
    if (format === undefined) {
      throw usageError(`there is no format ${named}`, `one of ${Object.keys(FORMATS).join(", ")}`);
    }
    const platform = textFlag(flags, "platform");
    const answer = await (
      await context.client()
    ).sbom({
      reference: args[0]!,
      format,
      attest: flags["attest"] === true,
      fresh: flags["fresh"] === true,
      ...(platform === undefined ? {} : { platform }),
    });
    const output = textFlag(flags, "output");
    const text = JSON.stringify(answer.document, null, 2);
    if (output !== undefined) await writeFile(resolve(context.workingDirectory, output), `${text}\n`);
    if (context.json) {
      terminal.out(JSON.stringify(output === undefined ? answer : { ...answer, document: undefined }, null, 2));
      return 0;
    }
    if (flags["summary"] === true) summarize(terminal, answer);
    else if (output === undefined) terminal.out(text);
    for (const line of notesOf(answer, output)) terminal.note(line);
    return 0;
  },
};

function notesOf(answer: SbomResult, output: string | undefined): string[] {
  const { origin, signer = "", attached, unread } = answer;
  const where = {
    attested: `as ${signer} signed it`,
    converted: `from what ${signer} signed, in another format`,
    generated: "found by looking; nobody signed it",
  }[origin];
  return [
    `${answer.format} of ${answer.reference}: ${counted(answer.components, "component")}, ${where}`,
    ...(output === undefined ? [] : [`  written to ${output}`]),
    ...(attached === undefined ? [] : [`  attached as ${shortDigest(attached)}`]),
    ...(unread.length === 0 ? [] : [`  ${counted(unread.length, "part")} could not be read:`]),
    ...unread.slice(0, 10).map(({ path, reason }) => `    ${path}: ${reason}`),
  ];
}

function summarize(terminal: Terminal, { licences }: SbomResult): void {
  if (licences.declared !== undefined) terminal.out(`licence   ${licences.declared}`);
  const rows = licences.expressions.map(({ expression, components }) => [`  ${components}`, expression]);
  if (licences.undeclared > 0) rows.push([`  ${licences.undeclared}`, "no licence declared"]);
  if (rows.length > 0) terminal.out(columns(rows));
}
