// `pratique profile ls`: the profiles of the gateway.
import type { ProfileSummary } from "@pratique/contracts";
import type { Command } from "../kit/command.ts";
import { columns } from "../kit/terminal.ts";

export const profileLs: Command = {
  name: "profile ls",
  group: "everyday",
  summary: "list the profiles of the gateway",
  description: "A profile is what one address of the gateway shows: /mcp/NAME.",
  examples: ["pratique profile ls", "pratique profile ls --json"],
  async run({ context }) {
    const { terminal } = context;
    const profiles = await (await context.client()).profiles();
    if (context.json) {
      terminal.out(JSON.stringify({ profiles }, null, 2));
      return 0;
    }
    if (profiles.length === 0) terminal.out("no profiles; pratique profile set NAME FILE makes one");
    else
      terminal.out(
        columns([
          ["PROFILE", "ACCESS", "SERVERS", "FOR", "FROM"].map((title) => terminal.paint("dim", title)),
          ...profiles.map((profile) => [
            profile.name,
            profile.profile.access,
            serversOf(profile).join(" ") || "none",
            membersOf(profile),
            profile.origin,
          ]),
        ]),
      );
    return 0;
  },
};

function serversOf({ profile: { servers } }: ProfileSummary): string[] {
  return Array.isArray(servers) ? servers : Object.keys(servers);
}

function membersOf({ profile: { users, groups } }: ProfileSummary): string {
  return users === undefined && groups === undefined ? "everybody" : [...(users ?? []), ...(groups ?? [])].join(" ");
}
