// Advice: each rule applies to what it goes by, and the whole says one form with reasons.
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import * as fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { zipOf } from "../archive/zip.fixture.ts";
import { openWorkbench, type Workbench } from "../workbench.fixture.ts";
import { adviseOn, weigh } from "./advise.ts";
import { NOTES, RULES } from "./rules.ts";
import type { ServerFacts, Setting } from "./server-facts.ts";

const NOTHING: ServerFacts = {
  language: "node",
  transport: "stdio",
  remotes: [],
  packages: [],
  secrets: [],
  files: [],
  chosenFiles: [],
  network: [],
  commands: [],
  desktop: [],
  browser: [],
  sockets: [],
  nativeModules: [],
  state: [],
  dependencies: 0,
};
const ALONE: Setting = { isShared: false, agent: "local" };
const URL_OF_MAKER = "https://x.example/mcp";

/** For each rule: what makes it apply, and the nearest thing that does not. */
const CASES: Readonly<
  Record<string, { yes: [Partial<ServerFacts>, Partial<Setting>]; no: [Partial<ServerFacts>, Partial<Setting>] }>
> = {
  "remote.hosted": {
    yes: [{ remotes: [URL_OF_MAKER], language: "unknown" }, {}],
    no: [{ remotes: [URL_OF_MAKER], packages: ["npm"], language: "unknown" }, {}],
  },
  "remote.cloud-agent": {
    yes: [{ remotes: [URL_OF_MAKER] }, { agent: "cloud" }],
    no: [{ remotes: [URL_OF_MAKER] }, {}],
  },
  "process.desktop": { yes: [{ desktop: ["depends on robotjs"] }, {}], no: [{ browser: ["x"] }, {}] },
  "process.personal": { yes: [{}, {}], no: [{ network: ["a.ts:1"] }, {}] },
  "container.shared": { yes: [{}, { isShared: true }], no: [{}, {}] },
  "container.cluster": { yes: [{}, { agent: "cluster" }], no: [{}, { agent: "cloud" }] },
  "container.cloud": { yes: [{}, { agent: "cloud" }], no: [{ remotes: [URL_OF_MAKER] }, { agent: "cloud" }] },
  "container.http": { yes: [{ transport: "both" }, {}], no: [{ transport: "stdio" }, {}] },
  "container.secrets": { yes: [{ secrets: ["API_KEY"] }, {}], no: [{}, {}] },
  "container.network": { yes: [{ network: ["a.ts:1"] }, {}], no: [{ files: ["a.ts:1"] }, {}] },
  "container.files": { yes: [{ chosenFiles: ["dirs"] }, {}], no: [{}, {}] },
  "container.native-modules": { yes: [{ nativeModules: ["a.node"] }, {}], no: [{}, {}] },
  "container.dependencies": { yes: [{ dependencies: 5 }, {}], no: [{ dependencies: 4 }, {}] },
  "microvm.commands": { yes: [{ commands: ["a.ts:1"] }, {}], no: [{ network: ["a.ts:1"] }, {}] },
  "microvm.browser": { yes: [{ browser: ["depends on puppeteer"] }, {}], no: [{ network: ["a.ts:1"] }, {}] },
  "microvm.binary": { yes: [{ language: "binary" }, {}], no: [{ language: "python" }, {}] },
  "microvm.shared-commands": {
    yes: [{ commands: ["a.ts:1"] }, { isShared: true }],
    no: [{ commands: ["a.ts:1"] }, {}],
  },
  "note.stdio-shared": { yes: [{}, { isShared: true }], no: [{ transport: "http" }, { isShared: true }] },
  "note.state": { yes: [{ state: ["depends on level"] }, {}], no: [{}, {}] },
  "note.sockets": { yes: [{ sockets: ["a.ts:1"] }, {}], no: [{}, {}] },
  "note.chosen-files": { yes: [{ chosenFiles: ["dirs"] }, {}], no: [{ files: ["a.ts:1"] }, {}] },
  "note.unknown-transport": {
    yes: [{ transport: "unknown" }, {}],
    no: [{ transport: "unknown", remotes: [URL_OF_MAKER] }, {}],
  },
  "note.secrets": { yes: [{ secrets: ["API_KEY"] }, {}], no: [{}, {}] },
};

describe.each([...RULES, ...NOTES].map((rule) => [rule.id, rule] as const))("rule %s", (id, rule) => {
  const applies = ([facts, setting]: [Partial<ServerFacts>, Partial<Setting>]): string | undefined =>
    rule.when({ ...NOTHING, ...facts }, { ...ALONE, ...setting });
  it("applies to what it goes by", () => expect(applies(CASES[id]!.yes)).toEqual(expect.any(String)));
  it("does not apply to what is near", () => expect(applies(CASES[id]!.no)).toBeUndefined());
});

describe("advice", () => {
  const formOf = (facts: Partial<ServerFacts>, setting: Partial<Setting> = {}): string =>
    weigh("/x", { ...NOTHING, ...facts }, { ...ALONE, ...setting }).form;

  it.each<[string, Partial<ServerFacts>, Partial<Setting>, string]>([
    ["a quiet server of one person's agent", {}, {}, "process"],
    ["the same for a team", {}, { isShared: true }, "container"],
    ["the same in a cluster", {}, { agent: "cluster" }, "container"],
    ["a client of some API with a key", { network: ["a"], secrets: ["API_KEY"] }, {}, "container"],
    ["a server that runs commands", { commands: ["a"], files: ["a"] }, {}, "microvm"],
    ["a server that drives the desktop and runs commands", { desktop: ["a"], commands: ["a"] }, {}, "process"],
    ["a service of its maker", { remotes: [URL_OF_MAKER], language: "unknown" }, {}, "remote"],
    [
      "a service of its maker for an agent in the cloud",
      { remotes: [URL_OF_MAKER], packages: ["npm"] },
      { agent: "cloud" },
      "remote",
    ],
    ["a server of which nothing is known", { transport: "unknown", language: "unknown" }, {}, "container"],
  ])("for %s", (_, facts, setting, form) => {
    expect(formOf(facts, setting)).toBe(form);
  });

  it("says what was seen and by which source, first what spoke for it", () => {
    const { reasons, containerise } = weigh("/x", { ...NOTHING, commands: ["a.ts:3"], network: ["b.ts:1"] }, ALONE);
    expect(containerise).toBe(true);
    expect(reasons.map(({ id }) => id)).toEqual(["microvm.commands", "container.network"]);
    expect(reasons[0]).toMatchObject({ because: "a.ts:3", source: expect.stringMatching(/^https:\/\//) });
  });

  it("never takes a server out of its sandbox for being shared", () => {
    const list = fc.constantFrom<readonly string[]>([], ["a"]);
    const facts = fc.record({ secrets: list, files: list, network: list, commands: list, browser: list, state: list });
    fc.assert(
      fc.property(facts, (seen) => {
        fc.pre(formOf(seen) !== "process");
        expect(formOf(seen, { isShared: true })).not.toBe("process");
      }),
    );
  });
});

describe("a look at a server", () => {
  let bench: Workbench;
  beforeAll(async () => {
    bench = await openWorkbench();
  });
  afterAll(() => bench.close());
  const look = (path: string): ReturnType<typeof adviseOn> => adviseOn(path, ALONE, join(bench.home, "cache"));

  it("sees in a Node server what it does, where", async () => {
    const path = await bench.directory("node", {
      "package.json": JSON.stringify({ name: "x", dependencies: { execa: "1", "better-sqlite3": "1" } }),
      "src/index.ts":
        'import { StdioServerTransport } from "x";\nconst key = process.env.GITHUB_TOKEN;\nawait fetch("https://x");\n',
      "node_modules/bad/index.js": 'require("child_process")',
    });
    const { facts, form } = await look(path);
    expect(form).toBe("microvm");
    expect(facts).toMatchObject({
      language: "node",
      transport: "stdio",
      secrets: ["GITHUB_TOKEN"],
      network: ["src/index.ts:3"],
      commands: ["depends on execa"],
      nativeModules: ["depends on better-sqlite3"],
    });
  });

  it("sees the same in a Python server", async () => {
    const path = await bench.directory("python", {
      "pyproject.toml": '[project]\nname = "x"\ndependencies = ["mcp>=1", "httpx"]\n',
      "server.py": 'import subprocess\nkey = os.environ["API_KEY"]\nmcp.run(transport="streamable-http")\n',
    });
    expect((await look(path)).facts).toMatchObject({
      language: "python",
      transport: "http",
      secrets: ["API_KEY"],
      network: ["depends on httpx"],
    });
  });

  it("reads what a bundle and a server.json ask for", async () => {
    const bundle = join(bench.home, "x.mcpb");
    const manifest = {
      manifest_version: "0.3",
      name: "x",
      version: "1.0.0",
      description: "d",
      server: { type: "node", entry_point: "i.js", mcp_config: { command: "node" } },
      user_config: { key: { type: "string", sensitive: true }, dir: { type: "directory" } },
    };
    await writeFile(bundle, zipOf([{ path: "manifest.json", body: JSON.stringify(manifest) }, { path: "i.js" }]));
    const asked = await look(bundle);
    expect(asked.facts).toMatchObject({ secrets: ["key"], transport: "stdio" });
    expect(asked.notes.join()).toContain("dir");
    const json = join(bench.home, "server.json");
    const remotes = [{ type: "streamable-http", url: URL_OF_MAKER }];
    await writeFile(json, JSON.stringify({ name: "com.example/x", description: "d", version: "1.0.0", remotes }));
    expect(await look(json)).toMatchObject({ form: "remote", containerise: false });
  });

  it("ends with a code for what is not there", async () => {
    await expect(look(join(bench.home, "absent"))).rejects.toMatchObject({ code: "artifact.no-directory" });
    await expect(look(join(bench.home, "absent.json"))).rejects.toMatchObject({ code: "mcp-server.source-invalid" });
  });
});
