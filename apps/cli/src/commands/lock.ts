// `pratique lock`: pin an agent and everything it names.
import type { Command } from "../kit/command.ts";
import { shortDigest } from "../kit/words.ts";

export const lock: Command = {
  name: "lock",
  group: "artifacts",
  summary: "pin an agent, its models, servers, skills and sub-agents by digest",
  description:
    "Makes an index in the agent's repository, tagged with `.lock` behind the agent's tag. Running it runs exactly what was pinned; it can be signed, cleared, copied and saved whole.",
  usage: "<agent>",
  minArgs: 1,
  maxArgs: 1,
  examples: ["pratique lock voyage/agent:1.0.0", "pratique run voyage/agent:1.0.0.lock 'What is the weather?'"],
  async run({ args, context }) {
    const { terminal } = context;
    const answer = await (await context.client()).lock(args[0]!);
    if (context.json) {
      terminal.out(JSON.stringify(answer, null, 2));
      return 0;
    }
    terminal.out(`${terminal.paint("good", "✓")} ${answer.reference}  ${shortDigest(answer.digest)}`);
    for (const { type, reference, digest } of answer.members) {
      terminal.out(`  ${(type === "root" ? "agent" : type).padEnd(10)}  ${shortDigest(digest)}  ${reference}`);
    }
    return 0;
  },
};
