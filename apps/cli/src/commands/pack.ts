// `pratique pack`: a directory becomes an OCI artifact with SBOM and provenance.
import { resolve } from "node:path";
import type { ModelForm, TransferOrder } from "@pratique/contracts";
import { textFlag, type Command } from "../kit/command.ts";
import { followPack } from "../kit/follow-transfer.ts";
import { MODEL_FORM_FLAGS, modelForm } from "../kit/model-form.ts";
import { usageError } from "../kit/run-command.ts";
import { shortDigest, size } from "../kit/words.ts";

const KINDS = ["model", "mcp-server", "skill", "agent", "policy", "catalog"];

export const pack: Command = {
  name: "pack",
  group: "everyday",
  summary: "make an OCI artifact of a directory, or of a published MCP server",
  description:
    "The kind is found from what the directory holds: weights are a model, server.json an MCP server, SKILL.md a skill, agent.yaml an agent, *.cedar a policy pack, catalog.yaml a catalog. SBOM and SLSA provenance are made on the way.\nAn MCP server can also be npm:NAME@VERSION, pypi:NAME==VERSION, an .mcpb, a server.json (file, URL or registry:NAME), or image:REFERENCE. Nothing of it is run, no install script either.",
  usage: "<source> [repository[:tag]]",
  minArgs: 1,
  maxArgs: 2,
  flags: {
    kind: {
      type: "string",
      value: "KIND",
      summary: "model, mcp-server, skill, agent, policy or catalog, when it is not plain",
    },
    push: { type: "string", value: "REPOSITORY[:TAG]", summary: "the same as the second argument" },
    ...MODEL_FORM_FLAGS,
  },
  examples: [
    "pratique pack ./weather",
    "pratique pack npm:@modelcontextprotocol/server-memory@2026.8.31",
    "pratique pack ./model --push team/tiny-chat:1.2.0",
    "pratique pack ./model team/tiny-chat:1.2.0 --format docker",
  ],
  async run({ args, flags, context }) {
    const { terminal } = context;
    const kind = textFlag(flags, "kind");
    if (kind !== undefined && !KINDS.includes(kind))
      throw usageError(`--kind is \`${kind}\`, and can be ${KINDS.join(", ")}`, "leave it away when the kind is plain");
    const order = withForm(
      orderOf(args[0]!, referenceOf(args[1], textFlag(flags, "push")), kind, context.workingDirectory),
      modelForm(flags),
    );
    const answer = await followPack(context, await context.client(), order);
    if (context.json) terminal.out(JSON.stringify(answer, null, 2));
    else {
      terminal.out(
        `${terminal.paint("good", "✓")} ${answer.kind} ${answer.reference}  ${shortDigest(answer.digest)}  ${size(answer.sizeBytes)}`,
      );
      for (const note of answer.notes) terminal.note(`  note: ${note}`);
      terminal.note(
        `  SBOM of ${answer.components} components and SLSA provenance attached\n  next: pratique sign ${answer.reference}`,
      );
    }
    return 0;
  },
};

function referenceOf(argument: string | undefined, flag: string | undefined): string | undefined {
  if (argument !== undefined && flag !== undefined && argument !== flag)
    throw usageError(`both ${argument} and --push ${flag} say where to`, "leave one of them away");
  return argument ?? flag;
}

function withForm(order: TransferOrder, model: ModelForm): TransferOrder {
  if (Object.keys(model).length === 0) return order;
  if (order.type !== "pack" || (order.request.kind ?? "model") !== "model")
    throw usageError("--format and --dual are for models", "leave them away");
  return { ...order, request: { ...order.request, model } };
}

/** What has a scheme, or is a bundle or a server.json, is an MCP server; a path is what it holds. */
function orderOf(
  source: string,
  reference: string | undefined,
  kind: string | undefined,
  workingDirectory: string,
): TransferOrder {
  const named = reference === undefined ? {} : { reference };
  const isAddress = /^(?:npm|pypi|image|registry|https?):/.test(source);
  if (isAddress || /\.(?:mcpb|dxt|json)$/i.test(source)) {
    if (kind !== undefined && kind !== "mcp-server")
      throw usageError(`${source} is an mcp-server, and no ${kind}`, "leave --kind away");
    return {
      type: "pack-server",
      request: {
        source: isAddress ? absoluteImage(source, workingDirectory) : resolve(workingDirectory, source),
        ...named,
      },
    };
  }
  const request = { directory: resolve(workingDirectory, source), ...named };
  return { type: "pack", request: kind === undefined ? request : { ...request, kind: kind as "model" } };
}

/** `image:./server.tar` is a file here; the daemon has another working directory. */
function absoluteImage(source: string, workingDirectory: string): string {
  const [, path] = /^image:(\.{0,2}\/.*)$/.exec(source) ?? [];
  return path === undefined ? source : `image:${resolve(workingDirectory, path)}`;
}
