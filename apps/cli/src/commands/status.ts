// `pratique status`: what is running.
import type { SecretKeys, Status } from "@pratique/contracts";
import type { Command } from "../kit/command.ts";
import { columns } from "../kit/terminal.ts";
import { age } from "../kit/advisory-lines.ts";
import { counted, megabytes, shortDigest } from "../kit/words.ts";

export const status: Command = {
  name: "status",
  group: "everyday",
  summary: "show the daemon, its policy, engines and counts",
  examples: ["pratique status", "pratique status --json"],
  async run({ context }) {
    const { terminal } = context;
    const answer = await (await context.client()).status();
    if (context.json) {
      terminal.out(JSON.stringify(answer, null, 2));
      return 0;
    }
    const engine = answer.engine === undefined ? "not looked for yet" : `${answer.engine.id} ${answer.engine.version}`;
    terminal.out(
      columns([
        [
          "daemon",
          `${answer.url}  pid ${answer.pid}, version ${answer.version}, ${megabytes(answer.memoryBytes)} of memory`,
        ],
        ["home", answer.home],
        ["owner", answer.owner],
        ["policy", `${answer.policy.policies} policies, ${shortDigest(answer.policy.digest)}`],
        ["model engine", engine],
        ["containers", answer.container?.description ?? "not looked for yet"],
        ["artifacts", String(answer.artifacts)],
        ...(answer.clearances === undefined ? [] : [["clearances", clearanceWords(answer.clearances)]]),
        ...(answer.advisories === undefined ? [] : [["advisories", advisoryWords(answer.advisories)]]),
        ["runs", String(answer.runs)],
        [
          "servers",
          answer.servers.length === 0
            ? "none"
            : answer.servers.map((server) => `${server.name} (${server.state})`).join(", "),
        ],
        ["audit", `${answer.audit.records} records, log key ${answer.audit.logKey}`],
        ...(answer.secrets === undefined ? [] : [["secrets", secretWords(answer.secrets)]]),
        ...(answer.upstreams ?? []).map(({ name, state, reason }) => [
          "upstream",
          `${name} is ${state}, so only what is cached of it is served${reason === undefined ? "" : `: ${reason}`}`,
        ]),
        ["console", `${answer.url}/console/`],
      ]),
    );
    return 0;
  },
};

function clearanceWords({ cleared, lost }: { readonly cleared: number; readonly lost: number }): string {
  return lost === 0 ? `${cleared} stand` : `${cleared} stand, ${lost} lost: pratique clearances --lost`;
}

function advisoryWords({ sources, entries, oldestSeconds, stale }: NonNullable<Status["advisories"]>): string {
  if (sources === 0) return "none, so nothing is checked: pratique db import PATH";
  const old = oldestSeconds === undefined ? "" : `, the oldest data ${age(oldestSeconds)} old`;
  const late = stale.length === 0 ? "" : `; out of date: ${stale.join(", ")}`;
  return `${entries.toLocaleString("en")} from ${counted(sources, "source")}${old}${late}`;
}

function secretWords({ type, place, under, elsewhere }: SecretKeys): string {
  const count = under + elsewhere === 0 ? "none" : `${under + elsewhere} values`;
  return type === "auto" ? count : `${count}, keys in ${place}`;
}
