// `pratique secret rotate`: a new key-encryption key for everything.
import type { Command } from "../kit/command.ts";

export const secretRotate: Command = {
  name: "secret rotate",
  group: "set-up",
  summary: "make a new key-encryption key, and put every secret under it",
  description:
    "Values stay as they are; each value's own key is wrapped anew. Secrets under a back end of `secrets.formerKeys` move " +
    "to the one of `secrets.keys`. When it is interrupted nothing is lost: run it again.",
  maxArgs: 0,
  examples: ["pratique secret rotate"],
  async run({ context }) {
    const { terminal } = context;
    const rotation = await (await context.client()).rotateSecrets();
    if (context.json) terminal.out(JSON.stringify(rotation, null, 2));
    else terminal.out(`${terminal.paint("good", "✓")} ${rotation.moved} moved under ${rotation.keyId}`);
    if (rotation.left > 0) terminal.note(`${rotation.left} could not be opened and lie where they lay; see the log`);
    return rotation.left > 0 ? 1 : 0;
  },
};
