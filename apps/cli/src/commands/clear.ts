// `pratique clear`: verify, decide by policy, and sign the outcome.
import type { ClearResult } from "@pratique/contracts";
import { cliErrors } from "../errors.ts";
import { clearanceRows, findingLines, vulnerabilityWords, waiverLines } from "../kit/clearance-lines.ts";
import type { Command } from "../kit/command.ts";
import { refusal } from "../kit/refusal.ts";
import type { Terminal } from "../kit/terminal.ts";
import { shortDigest } from "../kit/words.ts";

export const clear: Command = {
  name: "clear",
  group: "everyday",
  summary: "let policy decide over an artifact's evidence, and sign the clearance",
  usage: "<reference> | --all",
  description:
    "A clearance counts under the policy in force and with the vulnerability database of now. --all decides anew over everything that was ever cleared, and says what is not cleared any more.",
  flags: { all: { type: "boolean", summary: "decide anew over all that was ever cleared" } },
  maxArgs: 1,
  examples: ["pratique clear team/weather:1.0.0", "pratique clear --all"],
  async run({ args, flags, context }) {
    const { terminal } = context;
    const client = await context.client();
    if (flags["all"] === true) {
      const answer = await client.clearAll();
      if (context.json) terminal.out(JSON.stringify(answer, null, 2));
      else {
        if (answer.renewed.length > 0) terminal.out(clearanceRows(terminal, answer.renewed, true));
        if (answer.lost.length > 0) terminal.out(clearanceRows(terminal, answer.lost, true));
        const { cleared, renewed, lost } = answer;
        terminal.note(`${cleared} cleared, ${renewed.length} of them anew; ${lost.length} not cleared any more`);
      }
      return answer.lost.length === 0 ? 0 : 3;
    }
    const [reference] = args;
    if (reference === undefined)
      throw cliErrors("cli.usage", { what: "clear needs a reference, or --all" }, { hint: "pratique clear --help" });
    const answer = await client.clear(reference);
    if (context.json) terminal.out(JSON.stringify(answer, null, 2));
    else show(terminal, answer);
    return answer.cleared ? 0 : 3;
  },
};

function show(terminal: Terminal, answer: ClearResult): void {
  if (answer.cleared) {
    terminal.out(`${terminal.paint("good", "✓")} cleared ${answer.reference}  ${shortDigest(answer.digest)}`);
    terminal.note(`  under policy ${shortDigest(answer.decision.policyDigest)}`);
  } else terminal.out(refusal(terminal, `${answer.reference} is not cleared`, answer.decision));
  const findings = answer.cleared ? "" : findingLines(answer.notable);
  if (findings !== "") terminal.out(findings);
  terminal.note(`  vulnerabilities  ${vulnerabilityWords(answer.vulnerabilities)}`);
  const waivers = waiverLines(answer.waivers);
  if (waivers !== "") terminal.note(waivers);
  if (!answer.cleared && answer.record !== undefined) terminal.note(`  record  pratique why ${answer.record}`);
}
