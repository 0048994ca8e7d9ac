// Starts an unisolated process that would live for ever, prints its pid, and waits to be killed.
import { tmpdir } from "node:os";
import { startProcess } from "@pratique/sandbox";

const script = `process.on("SIGTERM", () => {}); setInterval(() => {}, 1000)`;
const child = await startProcess({ command: process.execPath, args: ["-e", script], env: {}, cwd: tmpdir() });
process.stdout.write(`${child.id}\n`);
