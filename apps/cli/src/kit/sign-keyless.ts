// `pratique sign --keyless`: signs for the identity in an OIDC token.
import { textFlag, type ExitCode, type Flag, type Input } from "./command.ts";
import { identityToken } from "./identity-token.ts";
import { shortDigest } from "./words.ts";

export const KEYLESS_FLAGS: Readonly<Record<string, Flag>> = {
  keyless: { type: "boolean", summary: "sign for the identity in an OIDC token, without a key" },
  "identity-token": {
    type: "string",
    value: "FILE",
    summary: "file with the token; else SIGSTORE_ID_TOKEN or the CI job's own (with --keyless)",
  },
  audience: { type: "string", value: "NAME", summary: "audience of a token asked from GitHub (sigstore)" },
};

export async function signKeyless({ flags, args, context }: Input): Promise<ExitCode> {
  const { terminal } = context;
  const wish = { file: textFlag(flags, "identity-token"), audience: textFlag(flags, "audience") ?? "sigstore" };
  const token = await identityToken(context, wish);
  const answer = await (await context.client()).signKeyless({ reference: args[0] ?? "", identityToken: token });
  if (context.json) terminal.out(JSON.stringify(answer, null, 2));
  else {
    terminal.out(`${terminal.paint("good", "✓")} signed ${answer.reference}  ${shortDigest(answer.digest)}`);
    terminal.note(`  as ${answer.subject}\n  by ${answer.issuer}, under the root \`${answer.root}\``);
  }
  return 0;
}
