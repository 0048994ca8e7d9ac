// System commands, bounded.
import { expect, it } from "vitest";
import { runCommand } from "./run-command.ts";

const limits = { maxOutputBytes: 1000, timeoutMs: 20_000 };

it("returns code, output and errors", async () => {
  const result = await runCommand("sh", ["-c", "echo out; echo err >&2; exit 3"], limits);
  expect({ ...result, stdout: String(Buffer.from(result.stdout)) }).toEqual({
    code: 3,
    stdout: "out\n",
    stderr: "err\n",
  });
});

it("refuses too much output, too much time and a missing command", async () => {
  await expect(runCommand("cat", ["/dev/zero"], limits)).rejects.toMatchObject({ code: "input.too-large" });
  await expect(runCommand("sleep", ["60"], { ...limits, timeoutMs: 50 })).rejects.toMatchObject({
    code: "command.failed",
  });
  await expect(runCommand("no-such-command", [], limits)).rejects.toMatchObject({ code: "command.failed" });
});
