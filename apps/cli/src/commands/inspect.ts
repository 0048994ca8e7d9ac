// `pratique inspect`: one artifact, its layers, referrers and evidence.
import { isPratiqueError } from "@pratique/core";
import { vulnerabilityWords, waiverLines } from "../kit/clearance-lines.ts";
import type { Command } from "../kit/command.ts";
import { CREDENTIAL_FLAGS, transferOptions } from "../kit/credentials.ts";
import { modelLines, modelNote } from "../kit/model-lines.ts";
import { columns } from "../kit/terminal.ts";
import { shortDigest, size } from "../kit/words.ts";

export const inspect: Command = {
  name: "inspect",
  group: "artifacts",
  summary: "show one artifact: layers, referrers, evidence",
  description: "Of a model in another registry it shows what its header says, without downloading weights.",
  usage: "<reference>",
  minArgs: 1,
  flags: CREDENTIAL_FLAGS,
  examples: ["pratique inspect voyage/harbour:1.0.0", "pratique inspect voyage/harbour:1.0.0 --json"],
  async run({ args, flags, context }) {
    const { terminal } = context;
    const client = await context.client();
    const [reference = ""] = args;
    const answer = await client.inspect(reference).catch((error: unknown) => {
      if (isPratiqueError(error, "reference.not-local")) return undefined;
      throw error;
    });
    const options = answer === undefined ? await transferOptions(flags) : {};
    const isModel = answer === undefined || answer.kind === "model";
    const model = isModel ? await client.inspectModel({ reference, ...options }) : undefined;
    if (context.json) {
      terminal.out(
        JSON.stringify(answer === undefined ? model : { ...answer, ...(isModel ? { model } : {}) }, null, 2),
      );
      return 0;
    }
    if (answer === undefined) {
      if (model === undefined) return 1;
      terminal.out(
        columns([
          ["reference", model.reference],
          ["digest", model.digest],
          ["kind", "model"],
        ]),
      );
      terminal.out(modelLines(model));
      terminal.note(`\n${modelNote(model)}`);
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
        ["vulnerabilities", vulnerabilityWords(answer.evidence.vulnerabilities)],
      ]),
    );
    const waived = waiverLines(answer.evidence.waivers ?? []);
    if (waived !== "") terminal.out(`\nwaivers\n${waived}`);
    if (model !== undefined) terminal.out(`\n${modelLines(model)}`);
    terminal.out("\nlayers");
    if (answer.layers.length === 0) terminal.out("  none of its own");
    else
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
