// `pratique registry upstreams`: the registries that are pulled through, and how they fare.
import type { UpstreamStatus } from "@pratique/contracts";
import type { Command } from "../kit/command.ts";
import { columns, type Tone } from "../kit/terminal.ts";

const TONES: Readonly<Record<UpstreamStatus["state"], Tone>> = {
  unused: "dim",
  up: "good",
  down: "bad",
  resting: "warn",
};

export const registryUpstreams: Command = {
  name: "registry upstreams",
  group: "artifacts",
  summary: "list the registries that are pulled through, and how they fare",
  description: "They stand under registry.upstreams in pratique.yaml. Of one that is down, what is cached is served.",
  examples: ["pratique registry upstreams"],
  async run({ context }) {
    const { terminal } = context;
    const upstreams = await (await context.client()).upstreams();
    if (context.json) terminal.out(JSON.stringify({ upstreams }, null, 2));
    else {
      terminal.out(
        columns([
          ["UPSTREAM", "ADDRESS", "STATE", ""].map((title) => terminal.paint("dim", title)),
          ...upstreams.map(({ name, url, state, since, reason }) => [
            name,
            url,
            terminal.paint(TONES[state], state),
            state === "down" || state === "resting" ? `since ${since ?? "?"}: ${reason ?? ""}` : "",
          ]),
        ]),
      );
    }
    return 0;
  },
};
