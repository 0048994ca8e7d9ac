// `pratique vex add`: states, signed, that a vulnerability does not matter in an artifact, or does.
import type { VexAddRequest } from "@pratique/contracts";
import { textFlag, type Command } from "../kit/command.ts";
import { usageError } from "../kit/run-command.ts";
import { counted, shortDigest } from "../kit/words.ts";

const STATUSES = ["not_affected", "affected", "fixed", "under_investigation"] as const;
const JUSTIFICATIONS = [
  "component_not_present",
  "vulnerable_code_not_present",
  "vulnerable_code_not_in_execute_path",
  "vulnerable_code_cannot_be_controlled_by_adversary",
  "inline_mitigations_already_exist",
] as const;

export const vexAdd: Command = {
  name: "vex add",
  group: "artifacts",
  summary: "state that a vulnerability does not matter in an artifact, or does",
  usage: "<reference>",
  minArgs: 1,
  maxArgs: 1,
  description:
    "The statement is added to what you stated before, as a signed OpenVEX attestation that travels with the artifact. The newest statement counts. `under_investigation` hides nothing, and nothing hides malice.",
  flags: {
    vulnerability: { type: "string", value: "ID", summary: "such as CVE-2024-3094" },
    status: { type: "string", value: "STATUS", summary: STATUSES.join(", ") },
    justification: { type: "string", value: "REASON", summary: `of not_affected: ${JUSTIFICATIONS.join(", ")}` },
    explanation: { type: "string", value: "TEXT", summary: "the reason in words, or what to do when it is affected" },
    package: { type: "string", value: "PURL", multiple: true, summary: "only for this package in it" },
    expires: { type: "string", value: "TIME", summary: "from then on it says nothing" },
  },
  examples: [
    "pratique vex add team/weather:1.0.0 --vulnerability CVE-2024-3094 --status not_affected --justification vulnerable_code_not_present",
  ],
  async run({ args, flags, context }) {
    const { terminal } = context;
    const vulnerability = textFlag(flags, "vulnerability");
    const stated = textFlag(flags, "status");
    const status = STATUSES.find((one) => one === stated);
    if (stated !== undefined && status === undefined)
      throw usageError(`OpenVEX knows no status ${stated}`, `it is one of ${STATUSES.join(", ")}`);
    if (vulnerability === undefined || status === undefined) {
      throw usageError("--vulnerability and --status are needed", `--status is one of ${STATUSES.join(", ")}`);
    }
    const reason = textFlag(flags, "justification");
    const justification = JUSTIFICATIONS.find((one) => one === reason);
    if (reason !== undefined && justification === undefined) {
      throw usageError(`OpenVEX knows no justification ${reason}`, `it is one of ${JUSTIFICATIONS.join(", ")}`);
    }
    const explanation = textFlag(flags, "explanation");
    const expires = expiry(textFlag(flags, "expires"));
    const packages = flags["package"];
    const request: VexAddRequest = {
      reference: args[0]!,
      vulnerability,
      status,
      ...(justification === undefined ? {} : { justification }),
      ...(explanation === undefined ? {} : { explanation }),
      packages: Array.isArray(packages) ? [...packages] : [],
      ...(expires === undefined ? {} : { expires }),
    };
    const answer = await (await context.client()).addVex(request);
    if (context.json) terminal.out(JSON.stringify(answer, null, 2));
    else {
      terminal.out(`${terminal.paint("good", "✓")} ${vulnerability} ${status} in ${answer.reference}`);
      terminal.note(`  ${counted(answer.statements, "statement")} in ${shortDigest(answer.attestation)}`);
    }
    return 0;
  },
};

/** A day stands for its end. */
function expiry(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  const time = new Date(/^\d{4}-\d\d-\d\d$/.test(text) ? `${text}T23:59:59Z` : text);
  if (Number.isNaN(time.getTime())) throw usageError(`--expires ${text} is no time`, "such as 2027-06-30");
  return time.toISOString();
}
