// Bad input: each a typed error with what, where and what next, and nothing half-written.
import { execFileSync } from "node:child_process";
import { cp, mkdir, readdir, readFile, truncate, writeFile } from "node:fs/promises";
import { createServer as createHttpServer } from "node:http";
import { createServer } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { EXAMPLES, pratique, ROOT, startDaemon, temporaryHome, type Daemon } from "../support/program.ts";

interface ErrorLine {
  error: { code: string; message: string; hint?: string };
}

describe("with a daemon", () => {
  let place: Awaited<ReturnType<typeof temporaryHome>>;
  let scratch: Awaited<ReturnType<typeof temporaryHome>>;
  let daemon: Daemon;

  beforeAll(async () => {
    place = await temporaryHome();
    scratch = await temporaryHome();
    daemon = await startDaemon(place.home);
  });
  afterAll(async () => {
    await daemon.stop();
    await place.remove();
    await scratch.remove();
  });

  async function refused(args: readonly string[]): Promise<ErrorLine["error"] & { exit: number | null }> {
    const result = await pratique([...args, "--json"], { home: place.home });
    expect(result.code).not.toBe(0);
    return { ...(JSON.parse(result.stderr) as ErrorLine).error, exit: result.code };
  }

  it("refuses a directory of no known kind and says what each kind needs", async () => {
    const directory = join(scratch.home, "nothing");
    await mkdir(directory, { recursive: true });
    await writeFile(join(directory, "readme.txt"), "hello");
    const error = await refused(["pack", directory]);
    expect(error.code).toBe("artifact.unknown-kind");
    expect(`${error.message} ${error.hint}`).toMatch(/SKILL\.md/);
  });

  it("refuses a model's format for what is no model", async () => {
    const directory = join(EXAMPLES, "skill", "harbour-notes");
    const error = await refused(["pack", directory, "bad/skill:1", "--format", "docker"]);
    expect([error.code, error.exit]).toEqual(["artifact.not-a-model", 1]);
    expect(await daemon.client.artifacts()).toEqual([]);
  });

  it("gives no advice on what is no server", async () => {
    const error = await refused(["advise", join(EXAMPLES, "model")]);
    expect([error.code, error.exit]).toEqual(["advise.no-server", 1]);
  });

  it("says that a bundle's directory is missing", async () => {
    const error = await refused(["bundle", "save", join(scratch.home, "gone", "out.tar"), "some/agent:1"]);
    expect([error.code, error.exit]).toEqual(["bundle.not-writable", 1]);
  });

  it("says of another registry what it answers, and does not take it for the daemon", async () => {
    const registry = createHttpServer((request, response) => {
      const isKnown = request.headers.authorization !== undefined;
      response.writeHead(isKnown ? 404 : 401, isKnown ? {} : { "WWW-Authenticate": 'Basic realm="x"' }).end();
    });
    await new Promise<void>((resolve) => registry.listen(0, "127.0.0.1", resolve));
    const address = registry.address();
    const reference = `127.0.0.1:${typeof address === "object" ? address?.port : ""}/team/model:1`;
    try {
      expect((await refused(["inspect", reference])).code).toBe("registry.unauthorized");
      const missing = await daemon.client
        .inspectModel({ reference, credentials: { username: "me", password: "x" } })
        .catch((error: unknown) => error);
      expect(missing).toMatchObject({ code: "manifest.not-found" });
    } finally {
      registry.close();
    }
  });

  it("refuses a GGUF that is cut short, and leaves no artifact", async () => {
    const directory = join(scratch.home, "cut");
    await cp(join(EXAMPLES, "model"), directory, { recursive: true });
    await truncate(join(directory, "voyage-q8.gguf"), 200_000);
    const error = await refused(["pack", directory, "bad/cut:1"]);
    expect(error.code).toBe("model.truncated");
    expect(await daemon.client.artifacts()).toEqual([]);
  });

  it("refuses an agent file with an unknown key, by path and with the nearest known one", async () => {
    const directory = join(scratch.home, "agent");
    await cp(join(EXAMPLES, "agent"), directory, { recursive: true });
    const file = join(directory, "agent.yaml");
    await writeFile(file, (await readFile(file, "utf8")).replace("instruction:", "instructions:"));
    const error = await refused(["pack", directory, "bad/agent:1"]);
    expect(error.code).toBe("agent.unknown-key");
    expect(`${error.message} ${error.hint}`).toMatch(/instruction\b/);
  });

  it("refuses a policy that does not validate, with file and line", async () => {
    const directory = join(scratch.home, "policies");
    await cp(join(ROOT, "policies"), directory, { recursive: true });
    await writeFile(
      join(directory, "wrong.cedar"),
      '@id("wrong")\nforbid(principal, action, resource) when { resource.knd == "model" };\n',
    );
    const error = await refused(["policy", "check", directory]);
    expect(error.code).toBe("policy.invalid");
    expect(error.message).toMatch(/wrong\.cedar:2/);
  });

  it("refuses an artifact that is not there, a reference that is none, and a directory that is gone", async () => {
    expect((await refused(["clear", "no/such:1.0"])).code).toBe("artifact.not-found");
    expect((await refused(["sign", "team//weather"])).code).toBe("reference.invalid");
    expect((await refused(["pack", join(scratch.home, "gone")])).code).toBe("artifact.no-directory");
  });

  it("refuses unknown commands and flags with the nearest one, and exit code 2", async () => {
    const command = await refused(["pakc", "x"]);
    expect([command.exit, command.hint]).toEqual([2, "did you mean `pratique pack`?"]);
    const flag = await refused(["pack", "x", "--kin", "model"]);
    expect([flag.exit, flag.hint]).toEqual([2, "did you mean --kind?"]);
  });

  it("refuses a flag's value that cannot be meant with exit code 2", async () => {
    for (const args of [
      ["audit", "tail", "--limit", "many"],
      ["pack", scratch.home, "--kind", "boat"],
      ["push", "a/b:1", "127.0.0.1:1/a/b:1", "--username", "me"],
      ["help", "no-such-command"],
    ])
      expect(await refused(args)).toMatchObject({ code: "cli.usage", exit: 2 });
  });

  it("lists a packed model at /v1/models, and names the address of one that does not answer", async () => {
    for (const directory of ["model", "harbour", "skill/harbour-notes", "agent"]) {
      const name = directory.split("/").at(-1)!.replace("model", "harbour-model");
      const reference = `voyage/${name}:1.0.0`;
      await daemon.client.pack({ directory: join(EXAMPLES, directory), reference });
      await daemon.client.sign(reference);
      await daemon.client.clear(reference);
    }
    const answer = await fetch(`${daemon.url}/v1/models`, { headers: { authorization: `Bearer ${daemon.token}` } });
    expect(await answer.json()).toMatchObject({ data: [{ id: "voyage/harbour-model:1.0.0" }] });
    const error = await refused([
      "run",
      "voyage/agent:1.0.0",
      "hello",
      "--model",
      "http://127.0.0.1:1/v1#m",
      "--allow-unisolated",
    ]);
    expect(error.code).toBe("upstream.unreachable");
    expect(error.message).toContain("http://127.0.0.1:1/v1#m");
  });

  it("answers a stranger with 401 and nothing else", async () => {
    for (const path of ["/control/v1/status", "/v2/", "/mcp", "/v1/models", "/log/checkpoint", "/console/"]) {
      const answer = await fetch(`${daemon.url}${path}`);
      expect([path, answer.status]).toEqual([path, 401]);
    }
  });

  it("does not answer under a foreign host name", async () => {
    const { request } = await import("node:http");
    const status = await new Promise<number>((resolve, reject) => {
      request(
        `${daemon.url}/control/v1/status`,
        { headers: { host: "evil.example", authorization: `Bearer ${daemon.token}` } },
        (res) => {
          res.resume();
          resolve(res.statusCode ?? 0);
        },
      )
        .on("error", reject)
        .end();
    });
    expect(status).toBe(421);
  });
});

describe("without a daemon", () => {
  let place: Awaited<ReturnType<typeof temporaryHome>>;
  beforeAll(async () => void (place = await temporaryHome()));
  afterAll(() => place.remove());

  it("finds no log where there is none, and makes nothing", async () => {
    const home = join(place.home, "none");
    const result = await pratique(["audit", "verify"], { home });
    expect(result.code).toBe(1);
    expect(result.stderr).toMatch(/home\.no-log/);
    await expect(readdir(home)).rejects.toMatchObject({ code: "ENOENT" });
  });

  it("refuses an address that is none, and an empty state directory", async () => {
    const url = await pratique(["status"], { home: place.home, env: { PRATIQUE_URL: "127.0.0.1:7340" } });
    expect([url.code, url.stderr]).toEqual([2, expect.stringContaining("PRATIQUE_URL")]);
    const home = await pratique(["ls"], { home: "" });
    expect([home.code, home.stderr]).toEqual([2, expect.stringContaining("--home needs a directory")]);
  });

  it("checks the policies that keep a daemon from starting", async () => {
    const directory = join(place.home, "policies");
    await cp(join(ROOT, "policies"), directory, { recursive: true });
    const env = { PRATIQUE_POLICY_DIRECTORY: directory };
    expect((await pratique(["policy", "test"], { home: place.home, env })).stdout).toMatch(/ 0 failed/);
    await writeFile(join(directory, "wrong.cedar"), "permit(principal, action, resource);");
    const result = await pratique(["policy", "check"], { home: place.home, env });
    expect([result.code, result.stderr]).toEqual([1, expect.stringContaining("policy.invalid")]);
  });

  it("refuses a state directory that cannot be made, and ends", async () => {
    const result = await pratique(["up"], { home: "/proc/pratique" });
    expect([result.code, result.stderr]).toEqual([1, expect.stringContaining("home.not-writable")]);
  });

  it("refuses a checkpoint file that is not there", async () => {
    const daemon = await startDaemon(place.home);
    await daemon.stop();
    const result = await pratique(["audit", "verify", "--since", join(place.home, "gone")], { home: place.home });
    expect([result.code, result.stderr]).toEqual([1, expect.stringContaining("audit.no-checkpoint-file")]);
  });
});

describe("at start", () => {
  let place: Awaited<ReturnType<typeof temporaryHome>>;
  beforeAll(async () => void (place = await temporaryHome()));
  afterAll(() => place.remove());

  it("says that a port is in use", async () => {
    const server = createServer().listen(0, "127.0.0.1");
    await new Promise((listening) => server.once("listening", listening));
    const { port } = server.address() as { port: number };
    const result = await pratique(["up", "--listen", `127.0.0.1:${port}`], { home: place.home });
    server.close();
    expect(result.code).toBe(1);
    expect(result.stderr).toMatch(/daemon\.port-in-use/);
  });

  it("refuses an address that is not loopback", async () => {
    const result = await pratique(["up", "--listen", "0.0.0.0:0"], { home: place.home });
    expect(result.stderr).toMatch(/daemon\.unsafe-listen/);
  });

  it("refuses a second daemon on the same state directory", async () => {
    const daemon = await startDaemon(place.home);
    const result = await pratique(["up", "--listen", "127.0.0.1:0"], { home: place.home });
    await daemon.stop();
    expect(result.stderr).toMatch(/daemon\.already-running/);
    expect(result.stderr).toMatch(new RegExp(`pid ${daemon.process.pid}`));
  });

  it("refuses an unknown key in pratique.yaml and lists those it knows", async () => {
    await writeFile(join(place.home, "pratique.yaml"), "lissten: 127.0.0.1:0\n");
    const result = await pratique(["up"], { home: place.home });
    await writeFile(join(place.home, "pratique.yaml"), "");
    expect(result.stderr).toMatch(/config\.invalid/);
    expect(result.stderr).toMatch(/lissten.*listen/s);
  });

  it("does not start with a policy set that does not validate", async () => {
    const directory = join(place.home, "policies");
    await cp(join(ROOT, "policies"), directory, { recursive: true });
    await writeFile(join(directory, "wrong.cedar"), "permit(principal, action, resource)");
    const result = await pratique(["up", "--listen", "127.0.0.1:0"], {
      home: place.home,
      env: { PRATIQUE_POLICY_DIRECTORY: directory },
    });
    expect(result.code).toBe(1);
    expect(result.stderr).toMatch(/policy\.invalid/);
  });

  it("names the engine that is missing, and what mends it", async () => {
    const env = { PRATIQUE_ENGINE_LLAMA_SERVER: "/no/such/llama-server" };
    const result = await pratique(["voyage"], { home: place.home, env });
    expect(result.code).toBe(1);
    expect(result.stdout).toMatch(/engine\.(missing|unusable)/);
    const doctor = await pratique(["doctor"], { home: place.home, env });
    expect(doctor.code).toBe(1);
    expect(doctor.stdout).toMatch(/✗ model engine/);
  });
});

describe("a full disk", () => {
  it("refuses with a typed error, keeps what was acknowledged, and goes on when there is space", async () => {
    const place = await temporaryHome();
    // A small file system of its own; mounting one needs root, as in CI.
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=24m,mode=0700", "tmpfs", place.home]);
    try {
      const daemon = await startDaemon(place.home);
      const packed = await daemon.client.pack({
        directory: join(EXAMPLES, "skill", "harbour-notes"),
        reference: "full/notes:1",
      });
      const filler = join(place.home, "filler");
      await expect(writeFile(filler, Buffer.alloc(64 * 1024 * 1024))).rejects.toMatchObject({ code: "ENOSPC" });
      const refusal = daemon.client.pack({ directory: join(EXAMPLES, "model"), reference: "full/model:1" });
      await expect(refusal).rejects.toMatchObject({ code: expect.stringMatching(/full|record-failed/) as string });
      await writeFile(filler, "");
      await daemon.client.pack({ directory: join(EXAMPLES, "model"), reference: "full/model:2" });
      const references = (await daemon.client.artifacts()).map(({ reference }) => reference.replace(/^[^/]+\//, ""));
      expect(references.toSorted()).toEqual(["full/model:2", "full/notes:1"]);
      expect((await daemon.client.inspect("full/notes:1")).digest).toBe(packed.digest);
      expect((await daemon.client.verifyAudit()).ok).toBe(true);
      await daemon.stop();
    } finally {
      execFileSync("umount", ["-l", place.home]);
      await place.remove();
    }
  });
});
