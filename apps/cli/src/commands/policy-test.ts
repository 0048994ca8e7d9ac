// `pratique policy test`: runs the tables of cases beside the policies.
import { resolve } from "node:path";
import { isPratiqueError } from "@pratique/core";
import type { Command } from "../kit/command.ts";

export const policyTest: Command = {
  name: "policy test",
  group: "account",
  summary: "run the test cases of the policies in force, or of a directory",
  usage: "[directory]",
  maxArgs: 1,
  examples: ["pratique policy test", "pratique policy test ./policies"],
  async run({ args, context }) {
    const { terminal } = context;
    const what = args[0] === undefined ? {} : { directory: resolve(context.workingDirectory, args[0]) };
    const answer = await (await context.client()).testPolicy(what).catch(async (error: unknown) => {
      // With a broken set no daemon starts, and then the files themselves are asked.
      if (!isPratiqueError(error, "daemon.unreachable")) throw error;
      const { testPolicyFiles } = await import("@pratique/app-daemon");
      return await testPolicyFiles({ ...what, home: context.home, environment: context.environment });
    });
    if (context.json) terminal.out(JSON.stringify(answer, null, 2));
    else {
      for (const entry of answer.cases) {
        terminal.out(
          `${entry.ok ? terminal.paint("good", "✓") : terminal.paint("bad", "✗")} ${entry.name}${entry.detail === undefined ? "" : `: ${entry.detail}`}`,
        );
      }
      terminal.out(`${answer.passed} passed, ${answer.failed} failed`);
    }
    return answer.failed === 0 ? 0 : 1;
  },
};
