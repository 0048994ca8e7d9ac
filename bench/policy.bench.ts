// A decision: the default policy set, asked anew and asked again, with the record that goes with it left out.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { loadPolicySet, type PolicyRequest } from "@pratique/policy";
import { ROOT } from "../test/support/program.ts";
import { printTable } from "./measure.ts";

const directory = join(ROOT, "policies");
const read = (name: string) => readFileSync(join(directory, name), "utf8");
const files = Object.fromEntries(
  readdirSync(directory)
    .filter((name) => name.endsWith(".cedar"))
    .map((name) => [name, read(name)]),
);
const load = (cacheEntries?: number) =>
  loadPolicySet({
    schema: read("pratique.cedarschema"),
    files,
    ...(cacheEntries === undefined ? {} : { cacheEntries }),
  });

function request(tool: string): PolicyRequest {
  return {
    principal: {
      type: "Workload",
      id: "spiffe://pratique.local/run/1/agent/root",
      attributes: { owner: true, run: "1" },
    },
    action: "tool:call",
    resource: {
      type: "Tool",
      id: `harbour/${tool}`,
      attributes: {
        name: tool,
        server: "harbour",
        claimsReadOnly: true,
        claimsDestructive: false,
        claimsOpenWorld: false,
        readOnly: true,
        cleared: true,
      },
      parents: [{ type: "Server", id: "harbour", attributes: { name: "harbour", isolated: true, cleared: true } }],
    },
    context: {},
  };
}

function measure(rounds: number, decide: (round: number) => void): number {
  for (let warm = 0; warm < Math.min(500, rounds); warm++) decide(warm);
  const cpu = process.cpuUsage();
  for (let round = 0; round < rounds; round++) decide(round);
  const { user, system } = process.cpuUsage(cpu);
  return (user + system) / rounds;
}

const fresh = load();
const cached = load();
const rows = [
  ["asked for the first time", measure(3000, (round) => void fresh.decide(request(`tool-${round % 3000}-${round}`)))],
  ["asked again (cached)", measure(20_000, () => void cached.decide(request("get_weather")))],
] as const;
printTable(
  "One Cedar decision over the default policies",
  ["what", "CPU µs"],
  rows.map((row) => [...row]),
);
