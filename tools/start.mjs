// `npm start`: sets everything up, starts the daemon, walks through the whole flow once, and stays up.
import { spawn } from "node:child_process";
import { join } from "node:path";
import { nodeExecutable, root, run } from "./machine.mjs";

if (!run(process.execPath, [join(root, "tools", "setup.mjs")])) process.exit(1);
const child = spawn(
  nodeExecutable(),
  [join(root, "bin", "pratique.mjs"), "voyage", "--stay", ...process.argv.slice(2)],
  { stdio: "inherit" },
);
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => child.kill(signal));
child.on("exit", (code) => process.exit(code ?? 1));
