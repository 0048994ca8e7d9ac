// `pratique catalog publish`: packs, signs and clears a catalog, unless it widens what nobody has accepted.
import { resolve } from "node:path";
import { textFlag, type Command } from "../kit/command.ts";
import { counted } from "../kit/words.ts";

export const catalogPublish: Command = {
  name: "catalog publish",
  group: "artifacts",
  summary: "pack, sign and clear a catalog, under its version and as latest",
  description:
    "Refused with 3 when it lets servers do what the published one did not and nobody has accepted that (`pratique catalog review --accept`, or --accept here), and when an entry does not say what it reaches.",
  usage: "[directory] [repository[:tag]]",
  maxArgs: 2,
  flags: {
    accept: { type: "boolean", summary: "say yes to what it widens" },
    "no-network": { type: "boolean", summary: "entries of which nobody says what they reach are to reach nothing" },
    "skip-incomplete": { type: "boolean", summary: "leave out entries that cannot be published" },
  },
  examples: ["pratique catalog publish ./catalog", "pratique catalog publish ./catalog team/servers:2.0.0 --accept"],
  async run({ args, flags, context }) {
    const { terminal } = context;
    const reference = args[1] ?? textFlag(flags, "to");
    const answer = await (
      await context.client()
    ).catalogs.publish({
      directory: resolve(context.workingDirectory, args[0] ?? "."),
      accept: flags["accept"] === true,
      noNetwork: flags["no-network"] === true,
      skipIncomplete: flags["skip-incomplete"] === true,
      ...(reference === undefined ? {} : { reference }),
    });
    if (context.json) terminal.out(JSON.stringify(answer, null, 2));
    else {
      terminal.out(`${terminal.paint("good", "✓")} ${answer.reference}`);
      terminal.out(
        `  ${counted(answer.entries, "server")}, signed, ${answer.cleared ? "cleared" : `not cleared: ${answer.policies.join(", ") || "no policy allows it"}`}`,
      );
      if (answer.skipped.length > 0)
        terminal.note(
          `  left out: ${answer.skipped
            .map(({ entry }) => entry)
            .slice(0, 20)
            .join(", ")}`,
        );
      terminal.note(`  next: in pratique.yaml, under gateway: catalog: "${answer.reference.replace(/^[^/]+\//, "")}"`);
    }
    return answer.cleared ? 0 : 3;
  },
};
