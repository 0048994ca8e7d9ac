// `pratique verify`: who signed what about an artifact, and whether that is what is asked for.
import { resolve } from "node:path";
import type { ModelSignature, VerifyResult } from "@pratique/contracts";
import { vulnerabilityWords, waiverLines } from "../kit/clearance-lines.ts";
import type { Command, Context, ExitCode, Flags } from "../kit/command.ts";
import { textFlag } from "../kit/command.ts";
import { printProvenance } from "../kit/provenance-lines.ts";
import { usageError } from "../kit/run-command.ts";
import { columns, type Terminal } from "../kit/terminal.ts";
import { isDirectory } from "./sign.ts";

export const verify: Command = {
  name: "verify",
  group: "artifacts",
  summary: "check who signed an artifact, and what is said of it",
  description:
    "Without flags an artifact must meet `trust.requirements` of pratique.yaml, or where none fits be signed by anyone " +
    "trusted. A signed SBOM is no signature: --type names another kind of statement. A directory is checked against its " +
    "model.sig. Exits with 3 when something is missing.",
  usage: "<reference|directory>",
  minArgs: 1,
  maxArgs: 1,
  flags: {
    key: { type: "string", value: "NAME|FILE", summary: "only this key's: a trusted key, or a public key's file" },
    "certificate-identity": {
      type: "string",
      value: "SUBJECT",
      summary: "only this identity's; `*` and `**` may stand in it",
    },
    "certificate-oidc-issuer": { type: "string", value: "URL", summary: "the issuer of that identity" },
    type: {
      type: "string",
      value: "TYPE",
      summary: "slsaprovenance1, cyclonedx, … or a predicate type; default signature",
    },
    provenance: { type: "boolean", summary: "what built it and from what, and whether that counts" },
    source: {
      type: "string",
      value: "PATTERN",
      summary: "with --provenance: built from here, https://github.com/team/*",
    },
    builder: {
      type: "string",
      value: "PATTERN",
      summary: "with --provenance: by this builder, or a name of trust.builders",
    },
    oms: { type: "boolean", summary: "of a directory: check a model's files" },
    signature: { type: "string", value: "FILE", summary: "of a directory: where its signature is" },
  },
  examples: [
    "pratique verify team/weather:1.0.0",
    "pratique verify team/weather:1.0.0 --key release.pub --type slsaprovenance1",
    "pratique verify ./my-model --key release.pub",
  ],
  async run({ flags, args, context }) {
    const [target = ""] = args;
    const key = keyOf(flags, context);
    if (flags["provenance"] === true) return await verifyProvenance(target, flags, context);
    if (isDirectory(target)) return await verifyDirectory(target, flags, key, context);
    const certificateIdentity = textFlag(flags, "certificate-identity");
    const certificateOidcIssuer = textFlag(flags, "certificate-oidc-issuer");
    const type = textFlag(flags, "type");
    if ((certificateIdentity === undefined) !== (certificateOidcIssuer === undefined)) {
      throw usageError(
        "--certificate-identity and --certificate-oidc-issuer go together",
        "a subject means nothing without who vouches for it",
      );
    }
    const { terminal } = context;
    const answer = await (
      await context.client()
    ).verify(target, {
      ...key,
      ...(certificateIdentity === undefined ? {} : { certificateIdentity }),
      ...(certificateOidcIssuer === undefined ? {} : { certificateOidcIssuer }),
      ...(type === undefined ? {} : { type }),
    });
    if (context.json) terminal.out(JSON.stringify(answer, null, 2));
    else show(terminal, answer);
    return answer.verified ? 0 : 3;
  },
};

function show(terminal: Terminal, answer: VerifyResult): void {
  const { evidence, statements, missing, rejected, modelSignatures } = answer;
  const mark = (ok: boolean): string => (ok ? terminal.paint("good", "✓") : terminal.paint("bad", "✗"));
  terminal.out(`${answer.kind} ${answer.reference}  ${answer.digest}`);
  const rows = statements.map(({ type, signer, form, time }) => [
    mark(true),
    form === "legacy" ? "signature (old form)" : nameOf(type),
    signer.subject === undefined ? `${signer.name} (${signer.id})` : `${signer.subject} (${signer.issuer ?? ""})`,
    time ?? "",
  ]);
  if (rows.length > 0) terminal.out(columns(rows));
  else terminal.out(`${mark(false)} nothing about it verifies`);
  for (const model of modelSignatures) showModel(terminal, model);
  const { vulnerabilities } = evidence;
  const isKnown = vulnerabilities.status === "checked";
  terminal.out(
    `${isKnown ? "-" : terminal.paint("warn", "!")} vulnerabilities: ${vulnerabilityWords(vulnerabilities)}`,
  );
  const waived = waiverLines(evidence.waivers ?? []);
  if (waived !== "") terminal.out(waived);
  for (const { digest, reason, detail } of rejected) {
    terminal.out(`${terminal.paint("dim", "-")} ${digest} does not count: ${reason}, ${detail}`);
  }
  for (const { reason } of missing) terminal.out(`${mark(false)} ${reason}`);
  if (answer.verified) {
    if (evidence.clearances.length === 0) terminal.note(`  next: pratique clear ${answer.reference}`);
  } else if (statements.length === 0) terminal.note(`  next: pratique sign ${answer.reference}, when you vouch for it`);
}

function showModel(terminal: Terminal, model: ModelSignature): void {
  const mark = model.verified ? terminal.paint("good", "✓") : terminal.paint("bad", "✗");
  const whom = model.signer === undefined ? "" : ` by ${model.signer}`;
  terminal.out(`${mark} model signature${whom}${model.files === undefined ? "" : `, ${model.files} files`}`);
  for (const problem of model.problems) terminal.out(`    ${problem}`);
  // A signer may hide files from its signature: whoever trusts it should see which.
  if (model.ignored.length > 0) terminal.note(`    says nothing of ${model.ignored.join(", ")}`);
}

async function verifyDirectory(
  target: string,
  flags: Flags,
  key: { readonly key?: string; readonly keyFile?: string },
  context: Context,
): Promise<ExitCode> {
  const { terminal } = context;
  const signature = textFlag(flags, "signature");
  const answer = await (
    await context.client()
  ).verifyDirectory({
    directory: resolve(context.workingDirectory, target),
    ...key,
    ...(signature === undefined ? {} : { signature: resolve(context.workingDirectory, signature) }),
  });
  if (context.json) terminal.out(JSON.stringify(answer, null, 2));
  else showModel(terminal, answer);
  return answer.verified ? 0 : 3;
}

/** A name of the configuration has neither a slash nor a file's ending. */
function keyOf(flags: Flags, context: Context): { readonly key?: string; readonly keyFile?: string } {
  const key = textFlag(flags, "key");
  if (key === undefined) return {};
  if (!key.includes("/") && !/\.(?:pub|pem|key)$/.test(key)) return { key };
  return { keyFile: resolve(context.workingDirectory, key) };
}

/** The predicate types that people know by another name. */
function nameOf(type: string): string {
  const names: Readonly<Record<string, string>> = {
    "https://sigstore.dev/cosign/sign/v1": "signature",
    "https://cyclonedx.org/bom": "SBOM (CycloneDX)",
    "https://spdx.dev/Document": "SBOM (SPDX)",
    "https://slsa.dev/provenance/v1": "provenance",
    "https://slsa.dev/provenance/v0.2": "provenance (v0.2)",
    "https://slsa.dev/verification_summary/v1": "clearance",
  };
  return names[type] ?? type;
}

async function verifyProvenance(reference: string, flags: Flags, context: Context): Promise<ExitCode> {
  const [source, builder] = [textFlag(flags, "source"), textFlag(flags, "builder")];
  const answer = await (
    await context.client()
  ).verifyProvenance({
    reference,
    ...(source === undefined ? {} : { source }),
    ...(builder === undefined ? {} : { builder }),
  });
  if (context.json) context.terminal.out(JSON.stringify(answer, null, 2));
  else printProvenance(context.terminal, answer);
  return answer.verified ? 0 : 3;
}
