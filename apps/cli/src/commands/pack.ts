// `pratique pack`: a directory becomes an OCI artifact with SBOM and provenance.
import { resolve } from "node:path";
import { textFlag, type Command } from "../kit/command.ts";
import { followPack } from "../kit/follow-transfer.ts";
import { usageError } from "../kit/run-command.ts";
import { shortDigest, size } from "../kit/words.ts";

const KINDS = ["model", "mcp-server", "skill", "agent"];

export const pack: Command = {
  name: "pack",
  group: "everyday",
  summary: "make an OCI artifact of a directory",
  description:
    "The kind is found from what the directory holds: a .gguf file is a model, server.json an MCP server,\nSKILL.md a skill, agent.yaml an agent. SBOM and SLSA provenance are made on the way.",
  usage: "<directory> [repository[:tag]]",
  minArgs: 1,
  maxArgs: 2,
  flags: {
    kind: { type: "string", value: "KIND", summary: "model, mcp-server, skill or agent, when it is not plain" },
  },
  examples: ["pratique pack ./weather", "pratique pack ./model team/tiny-chat:1.2.0"],
  async run({ args, flags, context }) {
    const { terminal } = context;
    const kind = textFlag(flags, "kind");
    if (kind !== undefined && !KINDS.includes(kind))
      throw usageError(`--kind is \`${kind}\`, and can be ${KINDS.join(", ")}`, "leave it away when the kind is plain");
    const request = {
      directory: resolve(context.workingDirectory, args[0]!),
      ...(args[1] === undefined ? {} : { reference: args[1] }),
      ...(kind === undefined ? {} : { kind: kind as "model" }),
    };
    const answer = await followPack(context, await context.client(), { type: "pack", request });
    if (context.json) terminal.out(JSON.stringify(answer, null, 2));
    else {
      terminal.out(
        `${terminal.paint("good", "✓")} ${answer.kind} ${answer.reference}  ${shortDigest(answer.digest)}  ${size(answer.sizeBytes)}`,
      );
      terminal.note(
        `  SBOM of ${answer.components} components and SLSA provenance attached\n  next: pratique sign ${answer.reference}`,
      );
    }
    return 0;
  },
};
