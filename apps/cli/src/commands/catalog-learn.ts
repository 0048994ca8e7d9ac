// `pratique catalog learn`: what a server tries to reach, and what its entry would have to say.
import type { Command } from "../kit/command.ts";

export const catalogLearn: Command = {
  name: "catalog learn",
  group: "artifacts",
  summary: "watch what a server tries to reach, and propose its entry",
  description:
    "The first call begins to watch; use the server, then call it again. Attempts stay denied unless the server's entry names the host; with --allow policy may let them out, each with a record. Printed is YAML for the entry.",
  usage: "<server>",
  minArgs: 1,
  maxArgs: 1,
  flags: {
    allow: { type: "boolean", summary: "let attempts out while it is watched, where policy agrees" },
    deny: { type: "boolean", summary: "watch without letting more out, from now on" },
    off: { type: "boolean", summary: "stop watching, after showing what was seen" },
  },
  examples: [
    "pratique catalog learn weather",
    "pratique catalog learn weather --allow",
    "pratique catalog learn weather --off",
  ],
  async run({ args, flags, context }) {
    const { terminal } = context;
    const name = args[0] ?? "";
    const client = await context.client();
    const before = await client.learnServer(name, {});
    const mode =
      flags["off"] === true ? "off" : flags["allow"] === true ? "allow" : flags["deny"] === true ? "deny" : undefined;
    const wanted = mode ?? (before.mode === "off" ? "deny" : undefined);
    const learned =
      wanted === undefined || wanted === before.mode ? before : await client.learnServer(name, { mode: wanted });
    const shown = wanted === "off" ? { ...before, mode: learned.mode } : learned;
    if (context.json) {
      terminal.out(JSON.stringify(shown, null, 2));
      return 0;
    }
    if (before.mode === "off" && shown.mode !== "off") {
      terminal.note(`${name} is being watched; use it, then: pratique catalog learn ${name}`);
    }
    terminal.out(shown.proposal.trimEnd());
    return 0;
  },
};
