// `pratique import`: images from archives and layouts.
import { resolve } from "node:path";
import { textFlag, type Command } from "../kit/command.ts";
import { printImported } from "../kit/imported.ts";

export const importImage: Command = {
  name: "import",
  group: "artifacts",
  summary: "bring in images from an archive or an OCI layout",
  description:
    "Reads what `podman save`, `docker save` and skopeo write: docker-archive, oci-archive (plain, gzip or zstd) and layouts in a directory. Every blob is checked against its digest.",
  usage: "<path> [reference]",
  minArgs: 1,
  maxArgs: 2,
  flags: { image: { type: "string", value: "NAME", summary: "which image, when the archive holds several" } },
  examples: ["pratique import alpine.tar team/alpine:3", "pratique import ./layout team/tool:1.0.0 --image 1.0.0"],
  async run({ args, flags, context }) {
    const image = textFlag(flags, "image");
    const answer = await (
      await context.client()
    ).import({
      path: resolve(context.workingDirectory, args[0]!),
      ...(args[1] === undefined ? {} : { reference: args[1] }),
      ...(image === undefined ? {} : { image }),
    });
    printImported(context, answer);
    return 0;
  },
};
