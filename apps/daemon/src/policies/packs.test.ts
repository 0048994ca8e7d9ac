// The packs that come along, and how packs are read and put into the configuration.
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { testPolicies } from "../control/policy-desk.ts";
import { parsePolicyCases, readPolicySet } from "../policy-files.ts";
import { runPolicyTests } from "@pratique/policy";
import { dropOwnCopy, keepOwnCopy } from "./own-copy.ts";
import { writePacks } from "./packs-in-config.ts";
import { findPack, isPackReference, policyPlaces, PolicyInForce } from "./policy-in-force.ts";
import { readPack, readPacks } from "./policy-pack.ts";

const INSTALLATION = join(import.meta.dirname, "..", "..", "..", "..");
const POLICIES = join(INSTALLATION, "policies");
let home: string;
let configFile: string;
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), "pratique-packs-"));
  configFile = join(home, "pratique.yaml");
});
afterEach(() => rm(home, { recursive: true, force: true }));
const places = () => policyPlaces({ packs: [] }, { directory: home, configFile }, INSTALLATION);

describe("the packs that come along", async () => {
  const packs = await readPacks(join(POLICIES, "packs"));

  it("are the ones that the documentation names", () => {
    expect(packs.map(({ name }) => name)).toEqual([
      "image-access",
      "licences",
      "models",
      "provenance",
      "registry-access",
      "signed",
      "vulnerabilities",
    ]);
  });

  it.each(packs.map((pack) => [pack.name, pack] as const))(
    "%s fits a screen, passes its cases, and each policy decides one",
    async (_, pack) => {
      expect(pack.summary).not.toBe("");
      for (const text of Object.values(pack.files)) expect(text.split("\n").length).toBeLessThanOrEqual(60);
      const set = await readPolicySet(POLICIES, [pack]);
      const report = runPolicyTests(set, parsePolicyCases(pack.tests));
      expect(report.cases.filter(({ ok }) => !ok)).toEqual([]);
      const own = set.policies.filter(({ file }) => file.startsWith("packs/"));
      expect(own.filter(({ reason, remedy }) => reason === undefined || remedy === undefined)).toEqual([]);
      expect(own.map(({ id }) => id).filter((id) => report.untested.includes(id))).toEqual([]);
    },
  );

  it("can all be in force together", async () => {
    const set = await readPolicySet(POLICIES, packs);
    expect(set.policies.length).toBeGreaterThan(packs.length);
  });

  it("are tested with the policies of their directory", async () => {
    const { passed, failed } = await testPolicies({ directory: POLICIES, packs: [] });
    expect(failed).toBe(0);
    expect(passed).toBeGreaterThan(100);
  });
});

describe("a pack", () => {
  it("is the owner's own copy before the one that comes along, until it goes", async () => {
    const shipped = await findPack(places(), "signed");
    const copy = await keepOwnCopy(places(), shipped);
    expect((await findPack(places(), "signed")).origin).toBe(copy);
    expect((await findPack(places(), "signed")).files).toEqual(shipped.files);
    await writeFile(join(copy, "signed.cedar"), '@id("mine")\npermit (principal, action, resource);\n');
    await keepOwnCopy(places(), shipped);
    expect(Object.values((await findPack(places(), "signed")).files).join("")).toContain("mine");
    expect(await dropOwnCopy(places(), "signed")).toBe("kept");
    await writeFile(join(copy, "signed.cedar"), shipped.files["signed.cedar"] ?? "");
    expect(await dropOwnCopy(places(), "signed")).toBe("removed");
    expect(await dropOwnCopy(places(), "signed")).toBe("none");
    expect((await readdir(join(home, "policy-packs"))).length).toBe(0);
  });

  it("has no links, nothing large, and at least one policy", async () => {
    const directory = join(home, "pack");
    await mkdir(directory);
    await symlink("/etc/passwd", join(directory, "x.cedar"));
    await expect(readPack(directory, "pack")).rejects.toMatchObject({ code: "policy.bad-pack" });
    await writeFile(join(directory, "y.cedar"), "/".repeat(300_000));
    await expect(readPack(directory, "pack")).rejects.toMatchObject({ code: "policy.bad-pack" });
    await expect(findPack(places(), "nothing")).rejects.toMatchObject({ code: "policy.unknown-pack" });
    await expect(findPack(places(), "./nowhere")).rejects.toMatchObject({ code: "policy.bad-pack" });
  });

  it("that is broken changes nothing that is in force", async () => {
    const policies = await PolicyInForce.open(places(), ["signed"]);
    const { digest } = policies.current;
    const directory = join(home, "broken");
    await mkdir(directory);
    await writeFile(
      join(directory, "x.cedar"),
      '@id("x")\nforbid (principal, action, resource) when { resource.nonsense };',
    );
    const unread = () => Promise.reject(new Error("nothing is read from a registry"));
    await expect(policies.prepare(["signed", directory], unread)).rejects.toMatchObject({ code: "policy.invalid" });
    await expect(policies.prepare(["signed", "signed"], unread)).rejects.toMatchObject({ code: "policy.bad-pack" });
    expect(policies.current.digest).toBe(digest);
    const told: string[] = [];
    policies.onChange((set) => void told.push(set.digest));
    policies.exchange(await policies.prepare(["signed"], unread));
    expect(told).toEqual([]);
    policies.exchange(await policies.prepare([], unread));
    expect(told).toEqual([policies.current.digest]);
  });

  it.each([
    ["signed", false],
    ["./signed", false],
    ["/srv/policies/signed", false],
    ["team/signed@sha256:00", true],
    ["team/signed:1", true],
  ])("named %s is a reference: %s", (entry, is) => {
    expect(isPackReference(entry)).toBe(is);
  });
});

describe("policy.packs in pratique.yaml", () => {
  const written = async (before: string | undefined, packs: string[]): Promise<string> => {
    if (before !== undefined) await writeFile(configFile, before);
    await writePacks(configFile, packs);
    return await readFile(configFile, "utf8");
  };

  it("is written where nothing was", async () => {
    expect(await written(undefined, ["signed"])).toBe("policy:\n  packs:\n    - signed\n");
  });

  it("leaves everything else as it is, comments too, and goes without a trace", async () => {
    const before = "# ours\nlisten: 127.0.0.1:7341 # not the usual one\nlog: { level: debug }\n";
    const after = await written(before, ["signed", "models"]);
    expect(after).toContain("# ours\nlisten: 127.0.0.1:7341 # not the usual one\n");
    expect(await written(after, [])).toBe(before);
  });

  it("stays beside the directory", async () => {
    const after = await written("policy:\n  directory: /srv/policies # by hand\n", ["signed"]);
    expect(after).toBe("policy:\n  directory: /srv/policies # by hand\n  packs:\n    - signed\n");
  });

  it("is not written into what cannot be read", async () => {
    await expect(written("policy: [", ["signed"])).rejects.toMatchObject({ code: "config.invalid" });
    await expect(written("nonsense: 1\n", ["signed"])).rejects.toMatchObject({ code: "config.invalid" });
    expect(await readFile(configFile, "utf8")).toBe("nonsense: 1\n");
  });
});
