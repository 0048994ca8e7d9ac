// What connecting a client writes, and that undoing it gives back the bytes that were there.
import { mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { execFile } from "node:child_process";
import { tmpdir } from "node:os";
import { promisify } from "node:util";
import { dirname, join } from "node:path";
import fc from "fast-check";
import { parse } from "smol-toml";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { planContainerd } from "./containerd.ts";
import { planDocker } from "./docker.ts";
import { styleOf, withValue, writeJson } from "./json-text.ts";
import { lineDiff } from "./line-diff.ts";
import { placesOf, type Places } from "./places.ts";
import type { Plan, Target } from "./plan.ts";
import { planPodman } from "./podman.ts";
import { prepare } from "./prepare.ts";
import { planUndo, runUndo } from "./undo.ts";
import { readConnection, writeConnection, type Connection } from "./connection.ts";

const TARGET: Target = {
  host: "127.0.0.1:7340",
  url: "http://127.0.0.1:7340",
  upstreams: ["docker.io", "ghcr.io", "registry.local:5000"],
  token: `prq_${"a".repeat(43)}`,
};
const AUTH = Buffer.from(`pratique:${TARGET.token}`).toString("base64");

let root = "";
let places: Places;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "pratique-connect-"));
  places = placesOf({ environment: { HOME: "/home/ada" }, userId: 1000, root });
});
afterEach(() => rm(root, { recursive: true, force: true }));

async function put(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, text, { mode: 0o640 });
}

/** Writes what is planned, as the command does. */
async function connect(plan: Plan): Promise<Connection> {
  const prepared = await prepare(plan);
  for (const { path, text, mode } of prepared) {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, text, { mode });
  }
  return { version: 1, client: "podman", files: prepared.map(({ written }) => written) };
}
const undo = async (connection: Connection): Promise<void> => runUndo(await planUndo(connection));

async function filesBelow(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => !entry.isDirectory()).map((entry) => join(entry.parentPath, entry.name));
}

it("writes below the root, for the person or for the system", () => {
  expect(places.containers).toBe(join(root, "home/ada/.config/containers"));
  const system = placesOf({ environment: { HOME: "/root" }, userId: 0, root });
  expect([system.containers, system.containerd]).toEqual([join(root, "etc/containers"), join(root, "etc/containerd")]);
  expect(system.inside(system.containerd)).toBe("/etc/containerd");
});

describe("podman", () => {
  it("remaps each host by location and names no mirror", async () => {
    await connect(await planPodman(TARGET, places));
    const text = await readFile(join(places.containers, "registries.conf.d/zz-pratique.conf"), "utf8");
    const { registry, ...others } = parse(text);
    expect(others).toEqual({});
    expect(registry).toEqual([
      { prefix: "127.0.0.1:7340", location: "127.0.0.1:7340", insecure: true },
      { prefix: "docker.io", location: "127.0.0.1:7340/docker.io", insecure: true },
      { prefix: "ghcr.io", location: "127.0.0.1:7340/ghcr.io", insecure: true },
      { prefix: "registry.local:5000", location: "127.0.0.1:7340/registry.local_5000", insecure: true },
    ]);
    expect(JSON.parse(await readFile(places.podmanAuth, "utf8"))).toEqual({ auths: { [TARGET.host]: { auth: AUTH } } });
    expect((await stat(places.podmanAuth)).mode & 0o777).toBe(0o600);
  });

  it("says which other files name the same hosts", async () => {
    const other = join(places.containers, "registries.conf.d/10-company.conf");
    await put(other, '[[registry]]\nprefix = "docker.io"\nlocation = "mirror.example"\n');
    expect((await planPodman(TARGET, places)).notes.join()).toContain(other);
  });
});

describe("containerd", () => {
  it("writes a server line, or a denial would fall through", async () => {
    await connect(await planContainerd(TARGET, places));
    const text = await readFile(join(places.containerd, "certs.d/_default/hosts.toml"), "utf8");
    expect(parse(text)).toEqual({
      server: TARGET.url,
      header: { authorization: `Basic ${AUTH}` },
      host: { [TARGET.url]: { capabilities: ["pull", "resolve"], header: { authorization: `Basic ${AUTH}` } } },
    });
  });

  it("leaves a configuration alone that is there, and says what it lacks and what goes past us", async () => {
    const config = join(places.containerd, "config.toml");
    await put(config, "version = 2\n");
    await mkdir(join(places.containerd, "certs.d/quay.io"), { recursive: true });
    const plan = await planContainerd(TARGET, places);
    expect(plan.files.map(({ path }) => path)).not.toContain(config);
    expect(plan.gaps.join()).toContain("pulls past Pratique");
    expect(plan.gaps.join()).toContain("certs.d/quay.io counts for quay.io");
    await put(
      config,
      `version = 2\n[plugins.x.registry]\nconfig_path = "${places.inside(places.containerd)}/certs.d"\n`,
    );
    expect((await planContainerd(TARGET, places)).gaps.join()).not.toContain("pulls past Pratique");
  });
});

describe("docker", () => {
  it("says plainly what it cannot be made to do, and leaves daemon.json alone", async () => {
    await put(places.dockerDaemon, '{"registry-mirrors": ["https://mirror.example"]}');
    const plan = await planDocker(TARGET, places);
    expect(plan.files.map(({ path }) => path)).toEqual([places.dockerConfig]);
    expect(plan.gaps.join()).toContain("still goes to Docker Hub itself");
    expect(plan.gaps.join()).toContain("names mirrors");
  });

  it("steps around a credential store that would hide the entry", async () => {
    await put(places.dockerConfig, '{\n  "credsStore": "pass"\n}\n');
    await connect(await planDocker(TARGET, places));
    expect(JSON.parse(await readFile(places.dockerConfig, "utf8"))).toEqual({
      credsStore: "pass",
      auths: { [TARGET.host]: { auth: AUTH } },
      credHelpers: { [TARGET.host]: "" },
    });
  });
});

describe("undo", () => {
  const TEXTS = [
    undefined,
    "",
    "{}",
    '{"auths":{}}',
    '{"auths":{"quay.io":{"auth":"eDp5"}}}\n',
    '{\n\t"auths": {\n\t\t"quay.io": {}\n\t},\n\t"detachKeys": "ctrl-e"\n}',
    '{\r\n    "auths" : { "quay.io": {} } }\r\n',
    `{"auths":{"127.0.0.1:7340":{"auth":"b2xkOm9sZA=="}}}`,
  ];

  it.each(TEXTS)("gives back exactly what was there: %j", async (text) => {
    if (text !== undefined) await put(places.podmanAuth, text);
    const connection = await connect(await planPodman(TARGET, places));
    expect(await readFile(places.podmanAuth, "utf8")).toContain(AUTH);
    await undo(connection);
    const left = await readFile(places.podmanAuth, "utf8").catch(() => undefined);
    expect(left).toBe(text);
    const mode = await stat(places.podmanAuth).then(
      (stats) => stats.mode & 0o777,
      () => undefined,
    );
    expect(mode).toBe(text === undefined ? undefined : 0o640);
    expect((await filesBelow(root)).length).toBe(text === undefined ? 0 : 1);
  });

  it("keeps what others wrote since into a file that is shared", async () => {
    const connection = await connect(await planPodman(TARGET, places));
    const json = JSON.parse(await readFile(places.podmanAuth, "utf8")) as { auths: Record<string, unknown> };
    json.auths["quay.io"] = { auth: "eDp5" };
    await writeFile(places.podmanAuth, JSON.stringify(json));
    await undo(connection);
    expect(JSON.parse(await readFile(places.podmanAuth, "utf8"))).toEqual({ auths: { "quay.io": { auth: "eDp5" } } });
  });

  it("refuses what others changed since, shows what, and changes nothing", async () => {
    const connection = await connect(await planPodman(TARGET, places));
    const dropIn = join(places.containers, "registries.conf.d/zz-pratique.conf");
    await writeFile(dropIn, `${await readFile(dropIn, "utf8")}# mine\n`);
    await expect(undo(connection)).rejects.toMatchObject({
      code: "connect.changed-since",
      message: expect.stringContaining("+ # mine") as string,
    });
    expect(await readFile(places.podmanAuth, "utf8")).toContain(AUTH);
  });

  it("shows no secret when an entry was changed", async () => {
    const connection = await connect(await planPodman(TARGET, places));
    const secret = Buffer.from("me:hunter2-hunter2").toString("base64");
    await writeFile(places.podmanAuth, JSON.stringify({ auths: { [TARGET.host]: { auth: secret } } }));
    const error = await undo(connection).catch((reason: unknown) => String(reason));
    expect(error).toContain("was changed since");
    expect(String(error).includes(secret) || String(error).includes(AUTH)).toBe(false);
  });

  it("is content when a file is gone already", async () => {
    const connection = await connect(await planPodman(TARGET, places));
    await rm(join(places.containers, "registries.conf.d"), { recursive: true });
    await writeFile(places.podmanAuth, "{}");
    await undo(connection);
    expect(await filesBelow(root)).toEqual([]);
  });

  it("writes to the file behind a link, and leaves the link", async () => {
    const real = join(root, "dotfiles/auth.json");
    await put(real, "{}");
    await mkdir(dirname(places.podmanAuth), { recursive: true });
    await symlink(real, places.podmanAuth);
    const connection = await connect(await planPodman(TARGET, places));
    expect(await readFile(real, "utf8")).toContain(AUTH);
    await undo(connection);
    expect(await readFile(real, "utf8")).toBe("{}");
  });
});

it("refuses to write over what is not ours, or cannot be read", async () => {
  const dropIn = join(places.containers, "registries.conf.d/zz-pratique.conf");
  await put(dropIn, "# somebody's\n");
  await expect(prepare(await planPodman(TARGET, places))).rejects.toMatchObject({ code: "connect.in-the-way" });
  await rm(dropIn);
  await put(places.podmanAuth, "[1]");
  await expect(prepare(await planPodman(TARGET, places))).rejects.toMatchObject({ code: "connect.unreadable" });
});

it("sets and takes away a value without touching the rest", () => {
  const key = fc.string({ minLength: 1 }).filter((name) => name !== "__proto__" && !/^\d+$/.test(name));
  const tree = fc.dictionary(key, fc.jsonValue());
  fc.assert(
    fc.property(
      tree,
      fc.array(key, { minLength: 1, maxLength: 3 }),
      fc.constantFrom("", "  ", "\t"),
      (before, at, indent) => {
        fc.pre(!Object.hasOwn(before, at[0]!));
        const text = writeJson(before, { indent, ending: "\n" });
        const after = withValue(before, at, "value");
        const back = withValue(after, at.slice(0, 1), undefined);
        expect(back).toEqual(before);
        expect(writeJson(back, styleOf(text)).endsWith("\n")).toBe(true);
      },
    ),
  );
});

it("shows what changed between two texts", () => {
  expect(lineDiff("a\nb\nc", "a\nx\nc")).toBe("  a\n- b\n+ x\n  c");
  expect(lineDiff("same", "same")).toBe("");
});

describe("odd things", () => {
  it("refuses a link to nothing, a directory and a pipe, and changes nothing", async () => {
    const plan = await planPodman(TARGET, places);
    const { path } = plan.files[1]!;
    const odd: (() => Promise<unknown>)[] = [
      () => symlink(join(root, "nothing"), path),
      () => mkdir(path),
      () => promisify(execFile)("mkfifo", [path]),
    ];
    for (const make of odd) {
      await mkdir(dirname(path), { recursive: true });
      await make();
      await expect(prepare(plan)).rejects.toMatchObject({ code: "connect.unreadable" });
      await rm(path, { recursive: true });
    }
    expect(await filesBelow(root)).toEqual([]);
  });

  it("works in paths with spaces and quotes", async () => {
    places = placesOf({ environment: { HOME: `/home/ada "the first" l'ove` }, userId: 1000, root });
    const connection = await connect(await planPodman(TARGET, places));
    expect((await filesBelow(root)).length).toBe(2);
    await undo(connection);
    expect(await filesBelow(root)).toEqual([]);
  });

  it("undoes what was written only in part", async () => {
    const theirs = JSON.stringify({ auths: { [TARGET.host]: { auth: "b2xkOm9sZA==" } } });
    await put(places.podmanAuth, theirs);
    const prepared = await prepare(await planPodman(TARGET, places));
    // Killed after the record, before the first file.
    await undo({ version: 1, client: "podman", files: prepared.map(({ written }) => written) });
    expect(JSON.parse(await readFile(places.podmanAuth, "utf8"))).toEqual(JSON.parse(theirs));
  });

  it("keeps apart what it remembers of roots with equal ends", async () => {
    const end = "x".repeat(100);
    await writeConnection(root, { version: 1, client: "podman", files: [] }, `/a/${end}`);
    expect(await readConnection(root, "podman", `/a/${end}`)).toBeDefined();
    expect(await readConnection(root, "podman", `/b/${end}`)).toBeUndefined();
  });
});
