// `pratique verify`: which evidence of an artifact really verifies.
import type { Command } from "../kit/command.ts";
import { columns } from "../kit/terminal.ts";

export const verify: Command = {
  name: "verify",
  group: "artifacts",
  summary: "check an artifact's signatures and attestations",
  usage: "<reference>",
  minArgs: 1,
  examples: ["pratique verify team/weather:1.0.0"],
  async run({ args, context }) {
    const { terminal } = context;
    const answer = await (await context.client()).verify(args[0]!);
    if (context.json) terminal.out(JSON.stringify(answer, null, 2));
    else {
      const { evidence } = answer;
      const mark = (ok: boolean) => (ok ? terminal.paint("good", "✓") : terminal.paint("bad", "✗"));
      terminal.out(`${answer.kind} ${answer.reference}  ${answer.digest}`);
      terminal.out(
        columns([
          [
            mark(evidence.signers.length > 0),
            "signature",
            evidence.signers.map((signer) => `${signer.name} (${signer.id})`).join(", ") || "none that verifies",
          ],
          [
            mark(evidence.sbom !== undefined),
            "SBOM",
            evidence.sbom === undefined ? "none" : `${evidence.sbom.format}, ${evidence.sbom.components} components`,
          ],
          [
            mark(evidence.provenance !== undefined),
            "provenance",
            evidence.provenance === undefined
              ? "none"
              : `${evidence.provenance.builder}, SLSA build level ${evidence.provenance.slsaLevel}`,
          ],
          [
            evidence.vulnerabilities.status === "checked" ? mark(true) : terminal.paint("warn", "!"),
            "vulnerabilities",
            evidence.vulnerabilities.status === "checked"
              ? `${evidence.vulnerabilities.critical} critical`
              : "not checked",
          ],
          [
            mark(evidence.clearances[0]?.result === "PASSED"),
            "clearance",
            evidence.clearances[0] === undefined
              ? "none"
              : `${evidence.clearances[0].result} at ${evidence.clearances[0].time}`,
          ],
        ]),
      );
      for (const rejected of evidence.rejected)
        terminal.out(`${mark(false)} ${rejected.digest} rejected: ${rejected.reason}`);
      if (evidence.signers.length === 0)
        terminal.note(`  next: pratique sign ${answer.reference}, when you vouch for it`);
      else if (evidence.clearances.length === 0) terminal.note(`  next: pratique clear ${answer.reference}`);
    }
    return answer.verified ? 0 : 1;
  },
};
