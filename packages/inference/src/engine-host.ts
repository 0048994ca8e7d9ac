// Program: runs one model with llama.cpp from npm and serves it on a Unix socket. Started by `llama-cpp-node.ts`.
// Everything comes over IPC, so argv and environment say nothing; when the parent dies, the channel closes and so does this.
import { chmod } from "node:fs/promises";
import { loadBinding } from "./host-binding.ts";
import { isHostCommand, type HostCommand, type HostReport } from "./host-protocol.ts";
import { HostModel } from "./host-model.ts";
import { hostServer } from "./host-server.ts";

function report(message: HostReport): void {
  process.send?.(message);
}

async function start(command: HostCommand): Promise<void> {
  // llama.cpp's errors go to standard error, whose end the parent keeps for its message.
  const { binding, version } = await loadBinding((message) => process.stderr.write(message));
  if (command.type === "probe") return report({ type: "ready", version });
  const model = await HostModel.load(binding, command);
  const server = hostServer({ model, name: command.name, key: command.key });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(command.socketPath, resolve);
  });
  await chmod(command.socketPath, 0o600);
  report({ type: "ready", version });
}

process.once("disconnect", () => process.exit(0));
process.once("message", (message) => {
  if (!isHostCommand(message)) return void process.exit(2);
  start(message).catch((error: unknown) => {
    report({ type: "failed", detail: error instanceof Error ? error.message : String(error) });
  });
});
