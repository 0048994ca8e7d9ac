import { describe, expect, it } from "vitest";
import { findEngine } from "./find-engine.ts";
import { llamaServerArguments } from "./llama-server.ts";
import { silentLog } from "@pratique/core";

const options = {
  socketPath: "/run/1.sock",
  modelPath: "/models/a.gguf",
  name: "team/a:1",
  keyFile: "/run/1.sock.key",
  contextTokens: 512,
  slots: 4,
  threads: 1,
};

describe("llama-server", () => {
  it("gets a closed list of flags, the key by file and a context for each slot", () => {
    const args = llamaServerArguments(options, "  --no-ui, --no-webui   --offline   --jinja, --no-jinja");
    expect(args.join(" ")).toBe(
      "--host /run/1.sock -m /models/a.gguf --alias team/a:1 --api-key-file /run/1.sock.key -c 2048 -np 4 -t 1 -tb 1 --no-ui --offline --jinja",
    );
  });

  it("gets no flag that its help does not name", () => {
    const args = llamaServerArguments(options, "--no-webui  disable it");
    expect(args.slice(-1)).toEqual(["--no-webui"]);
  });

  it("is refused by name when the given path does not run", async () => {
    const found = findEngine({
      llamaServer: "/nowhere/llama-server",
      path: "",
      nodeExecutable: process.execPath,
      log: silentLog,
    });
    await expect(found).rejects.toMatchObject({ code: "engine.unusable" });
  });

  it("is refused when what is there is something else", async () => {
    const found = findEngine({ llamaServer: "/bin/true", path: "", nodeExecutable: process.execPath, log: silentLog });
    await expect(found).rejects.toMatchObject({ code: "engine.unusable" });
  });

  it("is not needed, but something is", async () => {
    const engineHostFile = new URL("./no-such-host.ts", import.meta.url);
    const found = findEngine({ path: "", nodeExecutable: process.execPath, engineHostFile, log: silentLog });
    await expect(found).rejects.toMatchObject({ code: "engine.missing" });
  });
});
