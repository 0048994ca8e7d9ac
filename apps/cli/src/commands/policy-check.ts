// `pratique policy check`: validates policies against the schema.
import { resolve } from "node:path";
import { isPratiqueError } from "@pratique/core";
import type { Command } from "../kit/command.ts";
import { columns } from "../kit/terminal.ts";
import { shortDigest } from "../kit/words.ts";

export const policyCheck: Command = {
  name: "policy check",
  group: "account",
  summary: "validate policies: those in force, or a directory's",
  usage: "[directory]",
  maxArgs: 1,
  examples: ["pratique policy check", "pratique policy check ./policies"],
  async run({ args, context }) {
    const { terminal } = context;
    const what = args[0] === undefined ? {} : { directory: resolve(context.workingDirectory, args[0]) };
    const answer = await (await context.client()).checkPolicy(what).catch(async (error: unknown) => {
      // With a broken set no daemon starts, and then the files themselves are asked.
      if (!isPratiqueError(error, "daemon.unreachable")) throw error;
      const { checkPolicyFiles } = await import("@pratique/app-daemon");
      return await checkPolicyFiles({ ...what, home: context.home, environment: context.environment });
    });
    if (context.json) terminal.out(JSON.stringify(answer, null, 2));
    else {
      terminal.out(columns(answer.policies.map((policy) => [policy.effect, policy.id, policy.reason ?? ""])));
      terminal.out(
        `${terminal.paint("good", "✓")} ${answer.policies.length} policies are valid, ${shortDigest(answer.digest)}`,
      );
    }
    return 0;
  },
};
