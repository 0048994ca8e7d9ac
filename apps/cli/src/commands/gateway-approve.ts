// `pratique gateway approve`: takes what a server says now as approved.
import { cliErrors } from "../errors.ts";
import { textFlag, type Command } from "../kit/command.ts";
import { reviewLines } from "../kit/review-lines.ts";

export const gatewayApprove: Command = {
  name: "gateway approve",
  group: "set-up",
  summary: "approve what a server says of itself and its tools now",
  description:
    "Shows what differs from what was approved before, and approves exactly that; with --digest only when it is still what that review showed. From then on a tool that comes later is held, too.",
  usage: "<server>",
  minArgs: 1,
  flags: { digest: { type: "string", value: "DIGEST", summary: "digest of the review that you have read" } },
  examples: ["pratique gateway approve weather"],
  async run({ args, flags, context }) {
    const { terminal, json } = context;
    const client = await context.client();
    const [server = ""] = args;
    const review = (await client.shield.reviews()).findLast((one) => one.server === server);
    const digest = textFlag(flags, "digest") ?? review?.digest;
    if (review === undefined || digest === undefined) {
      const what = `${server.slice(0, 80)} has said nothing yet that could be approved`;
      throw cliErrors(
        "cli.usage",
        { what },
        { hint: "it is heard when a client lists its tools; pratique gateway review" },
      );
    }
    if (!json) terminal.note(reviewLines(review, terminal));
    const result = await client.shield.approve(server, digest);
    if (json) terminal.out(JSON.stringify(result, null, 2));
    else
      terminal.out(
        `${terminal.paint("good", "✓")} approved ${server} with ${result.tools} tools  (record ${result.record})`,
      );
    return 0;
  },
};
