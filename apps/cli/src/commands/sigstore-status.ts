// `pratique sigstore status`: the embedded Sigstore, and whose signatures without a key are trusted.
import type { Command } from "../kit/command.ts";
import { columns } from "../kit/terminal.ts";
import { shortDigest } from "../kit/words.ts";

export const sigstoreStatus: Command = {
  name: "sigstore status",
  group: "artifacts",
  summary: "show the embedded Sigstore, and whose signatures without a key are trusted",
  examples: ["pratique sigstore status"],
  async run({ context }) {
    const { terminal } = context;
    const status = await (await context.client()).sigstore();
    if (context.json) {
      terminal.out(JSON.stringify(status, null, 2));
      return 0;
    }
    const { own, signsUnder, roots, identities } = status;
    const rows = [
      ["sigstore", own === undefined ? "not enabled (`sigstore.enabled`)" : `${own.name} at ${own.url}`],
      ...(own === undefined
        ? []
        : [
            ["root", `${own.trustedRoot.url}  ${own.trustedRoot.digest}`],
            ["log", `${own.entries} signatures, ${own.certificates} certificates`],
            ["log key", own.vkey],
            ...own.issuers.map(({ issuer, audience, subject }) => [
              "issuer",
              `${issuer}  (${subject}, for ${audience})`,
            ]),
          ]),
      ["signs under", signsUnder],
      ...roots.map(({ name, digest }) => ["trusts root", `${name}  ${shortDigest(digest)}`]),
      ...identities.map(({ name, issuer, subject }) => ["trusts", `${name}  ${subject}  (${issuer})`]),
    ];
    terminal.out(columns(rows.map(([title = "", text = ""]) => [terminal.paint("dim", title), text])));
    return 0;
  },
};
