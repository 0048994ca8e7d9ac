// `pratique inspect`: one artifact, its layers, referrers and evidence.
import type { Command } from "../kit/command.ts";
import { columns } from "../kit/terminal.ts";
import { shortDigest, size } from "../kit/words.ts";

export const inspect: Command = {
  name: "inspect",
  group: "artifacts",
  summary: "show one artifact: layers, referrers, evidence",
  usage: "<reference>",
  minArgs: 1,
  examples: ["pratique inspect voyage/harbour:1.0.0", "pratique inspect voyage/harbour:1.0.0 --json"],
  async run({ args, context }) {
    const { terminal } = context;
    const answer = await (await context.client()).inspect(args[0]!);
    if (context.json) {
      terminal.out(JSON.stringify(answer, null, 2));
      return 0;
    }
    terminal.out(
      columns([
        ["reference", answer.reference],
        ["digest", answer.digest],
        ["kind", answer.kind],
        ["name", [answer.name, answer.version].filter((part) => part !== undefined).join(" ")],
        ...(answer.description === undefined ? [] : [["description", answer.description]]),
        ["signers", answer.evidence.signers.map((signer) => signer.name).join(", ") || "none"],
        ["licences", answer.evidence.licences.join(", ") || "none stated"],
      ]),
    );
    terminal.out("\nlayers");
    terminal.out(
      columns(
        answer.layers.map((layer) => [
          `  ${shortDigest(layer.digest)}`,
          size(layer.sizeBytes),
          layer.mediaType,
          layer.title ?? "",
        ]),
      ),
    );
    terminal.out("\nreferrers");
    if (answer.referrers.length === 0) terminal.out("  none");
    else
      terminal.out(
        columns(
          answer.referrers.map((referrer) => [
            `  ${shortDigest(referrer.digest)}`,
            referrer.predicateType ?? referrer.artifactType,
          ]),
        ),
      );
    return 0;
  },
};
