// Entry point of the bundler's process: `bundle-host ROOT ENTRY` writes a RawBundle as JSON, or the reason on standard error.
import { bundleEntry } from "./mcp-server/raw-bundle.ts";

const [root = "", entry = ""] = process.argv.slice(2);
try {
  process.stdout.write(JSON.stringify(await bundleEntry(root, entry)));
} catch (error) {
  const message = error instanceof Error ? error.message : String(error);
  process.stderr.write(`${message.split("\n").find((line) => line.trim() !== "") ?? "it cannot be bundled"}\n`);
  process.exitCode = 1;
}
