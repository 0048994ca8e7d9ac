// `pratique catalog show`: one entry, with everything it may do.
import { textFlag, type Command } from "../kit/command.ts";
import { placeOf } from "../kit/catalog-words.ts";
import { columns } from "../kit/terminal.ts";

export const catalogShow: Command = {
  name: "catalog show",
  group: "artifacts",
  summary: "show one server of a catalog: what it runs, reaches, gets and offers",
  usage: "<name>",
  minArgs: 1,
  maxArgs: 1,
  flags: { in: { type: "string", value: "REF|DIR", summary: "of this catalog; by default those in force" } },
  examples: ["pratique catalog show github", "pratique catalog show github --in ./catalog --json"],
  async run({ args, flags, context }) {
    const { terminal } = context;
    const place = textFlag(flags, "in");
    const { catalog, entry } = await (
      await context.client()
    ).catalogs.show(args[0]!, place === undefined ? undefined : placeOf(place, context.workingDirectory));
    if (context.json) {
      terminal.out(JSON.stringify({ catalog, entry }, null, 2));
      return 0;
    }
    const { image, remote, network, secrets, config } = entry;
    const rows: [string, string | undefined][] = [
      ["name", [entry.name, entry.version].filter(Boolean).join(" ")],
      ["title", entry.title],
      ["description", entry.description],
      ["image", image === undefined ? undefined : [image.reference, image.digest].filter(Boolean).join("@")],
      ["command", image?.command?.join(" ")],
      ["address", remote?.url],
      ["packed from", entry.source],
      ["reaches", network.unstated === true ? "nobody says" : network.hosts.join(", ") || "nothing"],
      [
        "secrets",
        secrets.map(({ name, required }) => (required ? name : `${name} (optional)`)).join(", ") || undefined,
      ],
      ["folders", entry.volumes.join(", ") || undefined],
      ["values", config === undefined ? undefined : JSON.stringify(config)],
      ["catalog", catalog],
    ];
    terminal.out(
      columns(rows.flatMap(([key, value]) => (value === undefined ? [] : [[terminal.paint("dim", key), value]]))),
    );
    if (entry.tools.length > 0) {
      terminal.out("");
      terminal.out(
        columns(
          entry.tools.map(({ name, readOnly, destructive, description }) => [
            `  ${name}`,
            destructive === true ? "destroys" : readOnly === true ? "reads" : "may write",
            (description ?? "").split("\n")[0]!.slice(0, 80),
          ]),
        ),
      );
    }
    return 0;
  },
};
