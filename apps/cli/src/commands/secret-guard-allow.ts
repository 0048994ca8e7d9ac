// `pratique secret-guard allow`: lets something through that looks like a secret and is none.
import { textFlag, type Command } from "../kit/command.ts";

export const secretGuardAllow: Command = {
  name: "secret-guard allow",
  group: "set-up",
  summary: "let something through that looks like a secret and is none",
  description:
    "The fingerprint stands in the mask's record and in the error of what was blocked: KIND:DIGEST, or the digest alone. It is the start of the text's SHA-256; the text itself is kept nowhere.",
  usage: "<fingerprint>",
  minArgs: 1,
  flags: { reason: { type: "string", value: "TEXT", summary: "why it is no secret" } },
  examples: ["pratique secret-guard allow github-token:1f0a2b3c4d5e --reason 'sample of the documentation'"],
  async run({ args, flags, context }) {
    const { terminal, json } = context;
    const [fingerprint = ""] = args;
    const allowed = await (await context.client()).shield.allow(fingerprint, textFlag(flags, "reason") ?? "");
    if (json) terminal.out(JSON.stringify(allowed, null, 2));
    else terminal.out(`${terminal.paint("good", "✓")} ${allowed.fingerprint} passes from now on`);
    return 0;
  },
};
