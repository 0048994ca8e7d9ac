// What an entry would have to say, from what a server was seen to try.
import { stringify } from "yaml";
import type { WatchedHost } from "./egress-watch.ts";
import type { LaunchPlan } from "./launch-plan.ts";

/** The network of an entry as YAML, with a remark for each host; to be read and trimmed by a person. */
export function proposeNeeds(name: string, plan: LaunchPlan, seen: readonly WatchedHost[]): string {
  const hosts = seen.map(({ host }) => host);
  const unused = plan.hosts.filter((host) => !hosts.includes(host) && !host.includes("*"));
  const remarks = [
    `# ${name}: what it tried to reach while it was watched. Keep what it needs.`,
    ...seen.map(
      ({ host, attempts, allowed }) =>
        `#   ${host}: ${attempts} ${attempts === 1 ? "attempt" : "attempts"}, ${allowed ? "let out" : "denied"}`,
    ),
    ...unused.map((host) => `#   ${host}: named so far, not tried`),
  ];
  return `${remarks.join("\n")}\n${stringify({ network: { hosts } })}`;
}
