// `pratique secret-guard rm`: takes back what was let through.
import type { Command } from "../kit/command.ts";

export const secretGuardRm: Command = {
  name: "secret-guard rm",
  group: "set-up",
  summary: "let something through the secret guard no longer",
  usage: "<fingerprint>",
  minArgs: 1,
  examples: ["pratique secret-guard rm github-token:1f0a2b3c4d5e"],
  async run({ args, context }) {
    const { terminal, json } = context;
    const [fingerprint = ""] = args;
    await (await context.client()).shield.forget(fingerprint);
    if (json) terminal.out(JSON.stringify({ fingerprint }, null, 2));
    else terminal.out(`${terminal.paint("good", "✓")} ${fingerprint} is caught again`);
    return 0;
  },
};
