// `pratique gateway review`: what servers say of themselves, beside what was approved.
import type { Command } from "../kit/command.ts";
import { reviewLines, reviewSummary } from "../kit/review-lines.ts";
import { columns } from "../kit/terminal.ts";

export const gatewayReview: Command = {
  name: "gateway review",
  group: "set-up",
  summary: "show what changed in a server since it was approved, and what in its words is suspect",
  description:
    "A tool whose description or schema is not what was approved is held: clients do not see it, and calls of it are refused, until pratique gateway approve.",
  usage: "[server]",
  maxArgs: 1,
  examples: ["pratique gateway review", "pratique gateway review weather"],
  async run({ args, context }) {
    const { terminal, json } = context;
    const all = await (await context.client()).shield.reviews();
    const [name] = args;
    const reviews = name === undefined ? all : all.filter(({ server }) => server === name);
    if (json) terminal.out(JSON.stringify({ servers: reviews }, null, 2));
    else if (reviews.length === 0) {
      terminal.note(name === undefined ? "no server has said anything yet" : `nothing is known of a server ${name}`);
    } else if (name === undefined) {
      terminal.out(columns(reviews.map((review) => reviewSummary(review, terminal))));
      const [held] = reviews.filter(({ state }) => state === "held");
      if (held !== undefined) terminal.note(`  next: pratique gateway review ${held.server}`);
    } else {
      terminal.out(reviews.map((review) => reviewLines(review, terminal)).join("\n\n"));
      if (reviews.some(({ state }) => state === "held" || state === "warned")) {
        terminal.note(`  next: pratique gateway approve ${name}`);
      }
    }
    return name !== undefined && reviews.length === 0 ? 1 : 0;
  },
};
