// `pratique run`: runs a cleared agent.
import { PratiqueError } from "@pratique/core";
import { textFlag, type Command } from "../kit/command.ts";
import { followRun } from "../kit/follow-run.ts";

export const run: Command = {
  name: "run",
  group: "everyday",
  summary: "run a cleared agent on a prompt",
  usage: "<agent> <prompt>",
  minArgs: 2,
  flags: {
    model: {
      type: "string",
      value: "REF|URL",
      summary: "another model: a reference, or an OpenAI-compatible address such as http://host/v1#name",
    },
    "allow-unisolated": {
      type: "boolean",
      summary: "run tool servers on this machine when there is no container engine",
    },
  },
  examples: [
    'pratique run voyage/agent:1.0.0 "What is the weather in Oslo?"',
    'pratique run voyage/agent:1.0.0 "Hello" --model http://127.0.0.1:11434/v1#qwen3',
  ],
  description:
    "The key of the address that --model names is taken from the environment variable PRATIQUE_MODEL_KEY; an address that only the agent names gets none.",
  async run({ args, flags, context }) {
    const model = textFlag(flags, "model");
    const modelKey = context.environment["PRATIQUE_MODEL_KEY"];
    const events = (await context.client()).run(
      {
        agent: args[0]!,
        prompt: args[1]!,
        allowUnisolated: flags["allow-unisolated"] === true,
        ...(model === undefined ? {} : { model }),
        ...(modelKey === undefined || modelKey === "" ? {} : { modelKey }),
      },
      context.interrupted,
    );
    const outcome = await followRun(context.terminal, events, context.json ? "silent" : "show");
    if (outcome.problem !== undefined) {
      throw new PratiqueError({
        code: outcome.problem.code,
        message: outcome.problem.title,
        hint: outcome.problem.hint,
        status: outcome.problem.status,
      });
    }
    context.terminal.out(
      context.json
        ? JSON.stringify(
            { run: outcome.run, model: outcome.model, toolCalls: outcome.toolCalls, answer: outcome.answer },
            null,
            2,
          )
        : outcome.answer,
    );
    if (!context.json) context.terminal.note(`\nrecords: pratique audit tail --run ${outcome.run}`);
    return 0;
  },
};
