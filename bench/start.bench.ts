// Start-up: the command against a bare Node, the daemon on a fresh and on a used state directory, and its memory at rest.
import { readFileSync } from "node:fs";
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { ROOT, startDaemon, temporaryHome } from "../test/support/program.ts";
import { compareCommands, printTable } from "./measure.ts";

const node = process.execPath;
const bin = join(ROOT, "bin", "pratique.mjs");
const place = await temporaryHome();

const begun = performance.now();
let daemon = await startDaemon(place.home);
const firstMs = performance.now() - begun;
await daemon.stop();
const again = performance.now();
daemon = await startDaemon(place.home);
const secondMs = performance.now() - again;

process.env["PRATIQUE_HOME"] = place.home;
const results = compareCommands(15, {
  bare: [node, "-e", "0"],
  version: [node, bin, "--version"],
  help: [node, bin, "help"],
  status: [node, bin, "status"],
});
const bare = results["bare"]!;
printTable(
  "Command start (median of 15, interleaved)",
  ["command", "CPU ms", "wall ms", "CPU ÷ bare", "CPU over bare, ms"],
  Object.entries({
    bare: "node -e 0",
    version: "pratique --version",
    help: "pratique help",
    status: "pratique status",
  }).map(([name, shown]) => {
    const { cpuMs, wallMs } = results[name]!;
    return [`\`${shown}\``, cpuMs, wallMs, cpuMs / bare.cpuMs, cpuMs - bare.cpuMs];
  }),
);

const rss = () => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${daemon.process.pid}/status`, "utf8"))?.[1]) / 1024;
await delay(3000);
printTable(
  "Daemon",
  ["what", "figure"],
  [
    ["start to ready, fresh state directory, ms", firstMs],
    ["start to ready, used state directory, ms", secondMs],
    ["resident memory at rest, MiB", rss()],
    [
      "`node_modules`, MB",
      Number(execFileSync("du", ["-sm", join(ROOT, "node_modules")], { encoding: "utf8" }).split("\t")[0]),
    ],
  ],
);
await daemon.stop();
await place.remove();
