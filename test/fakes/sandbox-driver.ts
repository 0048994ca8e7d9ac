// Starts a container that would live for ever, prints its id, and waits to be killed:
// `node test/fakes/sandbox-driver.ts HOME RUN_DIRECTORY IMAGE`.
import { silentLog, systemClock } from "@pratique/core";
import { openContainerDriver, probeContainerEngine } from "@pratique/sandbox";

const [home = "", runDirectory = "", image = ""] = process.argv.slice(2);
const runtimeDirectory = process.env["XDG_RUNTIME_DIR"];
const probe = await probeContainerEngine({
  home,
  runDirectory,
  path: process.env["PATH"] ?? "",
  ...(runtimeDirectory === undefined ? {} : { runtimeDirectory }),
  log: silentLog,
});
const driver = openContainerDriver(probe, { home, clock: systemClock, log: silentLog });
const script = `process.on("SIGTERM", () => {}); setInterval(() => {}, 1000)`;
const sandbox = await driver.start({
  name: "orphan",
  image,
  command: ["/usr/local/bin/node", "-e", script],
  network: "none",
});
process.stdout.write(`${sandbox.id}\n`);
await sandbox.exited;
