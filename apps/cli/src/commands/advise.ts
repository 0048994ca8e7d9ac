// `pratique advise`: whether and how to containerise an MCP server, with reasons.
import { resolve } from "node:path";
import { textFlag, type Command } from "../kit/command.ts";
import { usageError } from "../kit/run-command.ts";

const AGENTS = ["local", "cluster", "cloud"] as const;

export const advise: Command = {
  name: "advise",
  group: "everyday",
  summary: "say how an MCP server is best run, and why",
  description:
    "Looks at a directory, an .mcpb or a server.json without running it: its transport, files, network, secrets, native modules. Says whether to containerise it, and how: microVM, container, plain process, or remote.",
  usage: "<path>",
  minArgs: 1,
  maxArgs: 1,
  flags: {
    shared: { type: "boolean", summary: "several people will use it" },
    agent: { type: "string", value: "WHERE", summary: "where the agent runs: local (default), cluster or cloud" },
  },
  examples: ["pratique advise ./weather", "pratique advise ./server.mcpb --shared --agent cluster"],
  async run({ args, flags, context }) {
    const { terminal } = context;
    const given = textFlag(flags, "agent") ?? "local";
    const agent = AGENTS.find((one) => one === given);
    if (agent === undefined)
      throw usageError(`--agent is \`${given}\`, and can be ${AGENTS.join(", ")}`, "say where the agent runs");
    const path = resolve(context.workingDirectory, args[0]!);
    const answer = await (await context.client()).advise({ path, isShared: flags["shared"] === true, agent });
    if (context.json) {
      terminal.out(JSON.stringify(answer, null, 2));
      return 0;
    }
    const words = { microvm: "a microVM", container: "a container", process: "a plain process", remote: "where it is" };
    terminal.out(`run it in ${words[answer.form]}`.replace("in a plain", "as a plain").replace("in where", "where"));
    for (const { form, reason, because, source } of answer.reasons) {
      const sign = form === answer.form ? terminal.paint("good", "+") : terminal.paint("dim", "-");
      terminal.out(
        `  ${sign} ${form.padEnd(9)}  ${reason}\n${" ".repeat(15)}seen: ${because}\n${" ".repeat(15)}${source}`,
      );
    }
    for (const note of answer.notes) terminal.out(`  note: ${note}`);
    terminal.note(`  next: ${answer.next}`);
    return 0;
  },
};
