// `pratique voyage`: one walk through the whole flow on the real inputs of examples/voyage.
import { textFlag, type Command } from "../kit/command.ts";
import { followLauncher, untilStopped } from "../kit/until-stopped.ts";
import { boardDaemon } from "../voyage/board-daemon.ts";
import { jsonReport, summary } from "../voyage/report.ts";
import { sail } from "../voyage/sail.ts";

export const voyage: Command = {
  name: "voyage",
  group: "everyday",
  summary: "see the whole flow once: pack, prove, clear, run, account",
  description:
    "Packs a model, an MCP server, a skill and an agent; signs and clears them; runs the agent with its tools isolated; and shows the records. Starts a daemon when none runs for the state directory.",
  flags: {
    model: {
      type: "string",
      value: "REF|URL",
      summary: "run on another model: a reference, or an OpenAI-compatible address such as http://host/v1#name",
    },
    prompt: { type: "string", value: "TEXT", summary: "what to ask the agent" },
    "allow-unisolated": {
      type: "boolean",
      summary: "run the tool server on this machine when there is no container engine",
    },
    stay: { type: "boolean", summary: "leave the daemon up until Ctrl-C" },
    listen: {
      type: "string",
      value: "HOST:PORT",
      summary: "address of the daemon that is started (default 127.0.0.1:7340, else any free port)",
    },
  },
  examples: [
    "pratique voyage",
    "pratique voyage --json --home /tmp/voyage",
    "pratique voyage --model http://127.0.0.1:11434/v1#qwen3",
  ],
  async run({ flags, context }) {
    followLauncher(context.environment);
    const { terminal, json } = context;
    const say = json ? () => undefined : terminal.out;
    const board = await boardDaemon(context, textFlag(flags, "listen"));
    try {
      say(
        `${terminal.paint("strong", "Pratique voyage")}  daemon ${board.url}${board.started ? "" : " (already running)"}, home ${context.home}`,
      );
      const log = await sail(
        {
          client: board.client,
          examples: board.examples,
          terminal,
          say,
          interrupted: context.interrupted,
        },
        {
          model: textFlag(flags, "model"),
          modelKey: context.environment["PRATIQUE_MODEL_KEY"],
          prompt: textFlag(flags, "prompt"),
          allowUnisolated: flags["allow-unisolated"] === true,
        },
      );
      if (json) terminal.out(JSON.stringify(jsonReport(log), null, 2));
      else say(summary(terminal, log, board.consoleLink()));
      if (flags["stay"] === true && board.started) {
        say(`\nUp at ${board.url}. Stop with Ctrl-C.`);
        await untilStopped(context);
      }
      if (!log.audit.verified) return 1;
      return log.run.problem === undefined ? 0 : log.run.problem.status === 403 ? 3 : 1;
    } finally {
      await board.leave();
    }
  },
};
