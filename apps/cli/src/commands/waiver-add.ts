// `pratique waiver add`: lets an artifact pass a policy, or a vulnerability be, for a time.
import { cliErrors } from "../errors.ts";
import { scopeWords } from "../kit/clearance-lines.ts";
import { textFlag, type Command } from "../kit/command.ts";

const UNITS_MS: Readonly<Record<string, number>> = { h: 36e5, d: 864e5, w: 6048e5 };

export const waiverAdd: Command = {
  name: "waiver add",
  group: "artifacts",
  summary: "let an artifact pass a policy, or leave a vulnerability out, until a date",
  description:
    "A waiver is signed, recorded, and ends by itself. It is for one artifact (--artifact), or for all repositories that a pattern fits (--repository). Whether a policy can be waived stands in the policy itself.",
  flags: {
    artifact: { type: "string", value: "REF", summary: "for this artifact: the waiver hangs on it, too" },
    repository: { type: "string", value: "PATTERN", summary: "for repositories such as 'tools/*' or '**'" },
    policy: { type: "string", value: "ID", summary: "the policy that it waives" },
    vulnerability: { type: "string", value: "ID", summary: "the advisory or CVE that it leaves out" },
    package: { type: "string", value: "NAME", summary: "the package whose vulnerabilities it leaves out" },
    reason: { type: "string", value: "TEXT", summary: "why it may be so" },
    expires: { type: "string", value: "WHEN", summary: "when it ends: 12h, 30d, 8w, or a date" },
  },
  examples: [
    "pratique waiver add --artifact team/weather:1.0.0 --vulnerability CVE-2026-1234 --reason 'the parser is not used' --expires 30d",
    "pratique waiver add --repository 'vendor/*' --policy provenance.required --reason 'asked the vendor, ticket 81' --expires 2027-01-31",
  ],
  async run({ flags, context }) {
    const { terminal } = context;
    const [reason, expires] = [textFlag(flags, "reason"), textFlag(flags, "expires")];
    if (reason === undefined) throw usage("--reason TEXT is missing: why may it be so?");
    if (expires === undefined) throw usage("--expires WHEN is missing: a waiver ends");
    const [reference, repository] = [textFlag(flags, "artifact"), textFlag(flags, "repository")];
    const [policy, vulnerability] = [textFlag(flags, "policy"), textFlag(flags, "vulnerability")];
    const name = textFlag(flags, "package");
    const answer = await (
      await context.client()
    ).addWaiver({
      ...(reference === undefined ? {} : { reference }),
      ...(repository === undefined ? {} : { repository }),
      ...(policy === undefined ? {} : { policy }),
      ...(vulnerability === undefined ? {} : { vulnerability }),
      ...(name === undefined ? {} : { package: name }),
      reason,
      expires: endOf(expires, new Date()),
    });
    if (context.json) terminal.out(JSON.stringify(answer, null, 2));
    else {
      const { id, scope, expires: until } = answer.waiver;
      terminal.out(`${terminal.paint("good", "✓")} waived ${scopeWords(scope)} until ${until}`);
      terminal.note(`  waiver ${id}; take it back with pratique waiver rm ${id}`);
      if (reference !== undefined) terminal.note(`  next: pratique clear ${reference}`);
    }
    return 0;
  },
};

/** A span from now, or a date (its end, in UTC), or a time. */
function endOf(text: string, now: Date): string {
  const span = /^([1-9]\d{0,4})([hdw])$/.exec(text);
  if (span !== null) return new Date(now.getTime() + Number(span[1]) * (UNITS_MS[span[2] ?? ""] ?? 0)).toISOString();
  const time = Date.parse(/^\d{4}-\d{2}-\d{2}$/.test(text) ? `${text}T23:59:59Z` : text);
  if (Number.isNaN(time)) throw usage(`--expires ${text.slice(0, 40)} is neither a span (12h, 30d, 8w) nor a date`);
  return new Date(time).toISOString();
}

function usage(what: string): Error {
  return cliErrors("cli.usage", { what }, { hint: "pratique waiver add --help" });
}
