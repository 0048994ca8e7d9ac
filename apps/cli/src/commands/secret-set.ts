// `pratique secret set`: keeps a credential that servers use and nobody sees again.
import { resolve } from "node:path";
import { textFlag, type Command } from "../kit/command.ts";
import { usageError } from "../kit/run-command.ts";
import { readSecret } from "../kit/secret-input.ts";

export const secretSet: Command = {
  name: "secret set",
  group: "set-up",
  summary: "keep a secret that servers need; its value is never shown again",
  description:
    "The value comes from standard input, from --from-file, or is asked for without echo: never from an argument, which " +
    "others on this machine can see. It is encrypted with a key of its own, and that key with one that lies in the " +
    "system's keyring or where `secrets.keys` says.",
  usage: "<name>",
  minArgs: 1,
  // A value typed there is told to be wrong without being shown once more.
  maxArgs: 2,
  flags: {
    "from-file": { type: "string", value: "FILE", summary: "a file that holds the value" },
    user: { type: "boolean", summary: "yours alone, for servers where each person has his own" },
    description: { type: "string", value: "TEXT", summary: "what it is for" },
  },
  examples: [
    "pratique secret set github-token",
    "gh auth token | pratique secret set github-token",
    "pratique secret set deploy-key --from-file ./deploy-key.pem",
  ],
  async run({ args, flags, context }) {
    const [name = "", ...more] = args;
    if (more.length > 0 || name.includes("=")) {
      const what = "a value in an argument is seen by others on this machine, and kept by your shell; set another one";
      throw usageError(what, `pratique secret set ${name.split("=")[0]}`);
    }
    const { terminal } = context;
    const file = textFlag(flags, "from-file");
    const value = await readSecret({
      file: file === undefined ? undefined : resolve(context.workingDirectory, file),
      what: `value of ${name}`,
      interrupted: context.interrupted,
    });
    if (value === "") throw usageError("the value is empty", `for example: echo $TOKEN | pratique secret set ${name}`);
    const description = textFlag(flags, "description");
    const kept = await (
      await context.client()
    ).setSecret({
      name,
      value,
      scope: flags["user"] === true ? "user" : "shared",
      ...(description === undefined ? {} : { description }),
    });
    if (context.json) terminal.out(JSON.stringify(kept, null, 2));
    else terminal.out(`${terminal.paint("good", "✓")} ${kept.name}  version ${kept.version}, ${kept.scope}`);
    return 0;
  },
};
