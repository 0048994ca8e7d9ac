// `pratique sigstore trust`: what other machines and tools need to trust the embedded Sigstore.
import { writeFile } from "node:fs/promises";
import { resolve } from "node:path";
import { textFlag, type Command } from "../kit/command.ts";

export const sigstoreTrust: Command = {
  name: "sigstore trust",
  group: "artifacts",
  summary: "write the trusted root and the signing config, or show how to pin them",
  description:
    "cosign takes the files as --trusted-root and --signing-config. Another daemon takes the lines that are shown: " +
    "compare the digest over another way than the network before you rely on it.",
  flags: {
    out: { type: "string", value: "FILE", summary: "write trusted_root.json there" },
    "signing-config": { type: "string", value: "FILE", summary: "write signing_config.json there" },
  },
  examples: [
    "pratique sigstore trust",
    "pratique sigstore trust --out trusted_root.json --signing-config signing_config.json",
  ],
  async run({ flags, context }) {
    const { terminal, workingDirectory } = context;
    const trust = await (await context.client()).sigstoreTrust();
    const wanted = [
      [textFlag(flags, "out"), trust.trustedRoot.content],
      [textFlag(flags, "signing-config"), trust.signingConfig.content],
    ] as const;
    for (const [file, content] of wanted) {
      if (file === undefined) continue;
      await writeFile(resolve(workingDirectory, file), content);
      terminal.note(`${terminal.paint("good", "✓")} wrote ${file}`);
    }
    if (context.json) terminal.out(JSON.stringify(trust, null, 2));
    else if (wanted.every(([file]) => file === undefined)) {
      const { trustedRoot, signingConfig } = trust;
      terminal.out(
        [
          "trust:",
          "  roots:",
          `    company: { url: ${trustedRoot.url}, digest: "${trustedRoot.digest}" }`,
          "signing:",
          "  keyless:",
          "    root: company",
          `    signingConfig: { url: ${signingConfig.url}, digest: "${signingConfig.digest}" }`,
        ].join("\n"),
      );
    }
    return 0;
  },
};
