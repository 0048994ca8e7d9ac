// Bills of materials as a user gets them: of what is packed, of what was brought in, of locks and variants; and diffs.
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { DiffResult, SbomResult } from "@pratique/contracts";
import { writeImageLayout } from "../support/image-layout.ts";
import { EXAMPLES, pratique, startDaemon, temporaryHome, type Daemon } from "../support/program.ts";

let directory: string;
let place: { home: string; remove: () => Promise<void> };
let daemon: Daemon;

const PACKAGE = (version: string): string =>
  `Package: libssl3\nStatus: install ok installed\nVersion: ${version}\nArchitecture: amd64\nSource: openssl\nMaintainer: Debian OpenSSL Team <x@example.org>\nDescription: TLS\n\n`;

async function image(name: string, files: Readonly<Record<string, string>>): Promise<string> {
  const root = join(directory, `${name}-root`);
  for (const [path, text] of Object.entries(files)) {
    await mkdir(join(root, dirname(path)), { recursive: true });
    await writeFile(join(root, path), text);
    await chmod(join(root, path), 0o644);
  }
  const layout = join(directory, name);
  await writeImageLayout(layout, root);
  return layout;
}

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "pratique-sbom-"));
  place = await temporaryHome();
  await writeFile(join(place.home, "pratique.yaml"), "sbom:\n  onPull: true\n");
  daemon = await startDaemon(place.home);
  const common = { "etc/os-release": 'ID=debian\nVERSION_ID="12"\n', "srv/same.txt": "same" };
  const one = await image("one", {
    ...common,
    "var/lib/dpkg/status": PACKAGE("3.0.11-1~deb12u1"),
    "srv/changed.txt": "one",
    "srv/gone.txt": "",
  });
  const two = await image("two", {
    ...common,
    "var/lib/dpkg/status": PACKAGE("3.0.11-1~deb12u2"),
    "srv/changed.txt": "two",
    "srv/new.txt": "",
  });
  await daemon.client.import({ path: one, reference: "team/base:1" });
  await daemon.client.import({ path: two, reference: "team/base:2" });
  await daemon.client.pack({ directory: join(EXAMPLES, "skill/harbour-notes"), reference: "team/harbour-notes:1" });
  await daemon.client.pack({ directory: join(EXAMPLES, "model"), reference: "team/model:1" });
  const yaml = await readFile(join(EXAMPLES, "agent", "agent.yaml"), "utf8");
  const agent = join(directory, "agent");
  await mkdir(agent);
  await writeFile(
    join(agent, "agent.yaml"),
    yaml
      .replace("voyage/harbour-model:1.0.0", "team/model:1")
      .replace(/ {4}toolsets:\n.*\n.*\n/, "")
      .replace("- harbour-notes", "- team/harbour-notes:1"),
  );
  await daemon.client.pack({ directory: agent, reference: "team/agent:1" });
}, 60_000);

afterAll(async () => {
  await daemon.stop();
  await place.remove();
  await rm(directory, { recursive: true, force: true });
});

const sbom = async (...args: string[]): Promise<SbomResult> =>
  (await pratique(["sbom", ...args, "--json"], place)).json<SbomResult>();

describe("pratique sbom", () => {
  it("finds what an image that was brought in consists of, signed when it came", async () => {
    const answer = await sbom("team/base:1");
    expect(answer).toMatchObject({ origin: "attested", signer: "owner", kind: "image", format: "cyclonedx-1.6" });
    expect(JSON.stringify(answer.document)).toContain("pkg:deb/debian/libssl3@3.0.11-1~deb12u1");
    expect((await daemon.client.inspect("team/base:1")).evidence.sbom).toMatchObject({ format: "CycloneDX 1.6" });
  });

  it("writes the same bytes each time, in any format, and checks files against the official schemas", async () => {
    const file = join(directory, "model.json");
    for (const format of ["cyclonedx-1.7", "spdx-3.0", "spdx"]) {
      const written = await sbom("team/model:1", "--format", format, "--fresh");
      expect((await pratique(["sbom", "team/model:1", "--format", format, "--output", file], place)).code).toBe(0);
      expect(JSON.parse(await readFile(file, "utf8"))).toEqual(written.document);
    }
    const checked = await pratique(["sbom", "validate", file], place);
    expect([checked.code, checked.stdout]).toEqual([0, expect.stringMatching(/^✓ valid SPDX 2\.3/)]);
    await writeFile(file, (await readFile(file, "utf8")).replace('"SPDXID"', '"spdxid"'));
    expect((await pratique(["sbom", "validate", file], place)).code).toBe(1);
  }, 60_000);

  it("attests a format once, and reads that from then on", async () => {
    const first = await sbom("team/base:2", "--format", "spdx", "--attest");
    expect(first).toMatchObject({ origin: "converted", attached: expect.stringMatching(/^sha256:/) });
    const second = await sbom("team/base:2", "--format", "spdx");
    expect(second).toMatchObject({ origin: "attested", attestation: first.attached, document: first.document });
  });

  it("has one of a lock with its members by digest, which can be cleared then", async () => {
    const lock = (await pratique(["lock", "team/agent:1", "--json"], place)).json<{ digest: string }>();
    const answer = await sbom("team/agent:1.lock");
    expect(answer).toMatchObject({ origin: "attested", digest: lock.digest });
    const model = await daemon.client.inspect("team/model:1");
    expect(JSON.stringify(answer.document)).toContain(`"version":"${model.digest}"`);
    expect((await daemon.client.inspect("team/agent:1.lock")).evidence.aibom).toBeDefined();
    expect((await pratique(["sign", "team/agent:1.lock"], place)).code).toBe(0);
    expect((await pratique(["clear", "team/agent:1.lock"], place)).code).toBe(0);
  });

  it("has one of a skill's variants, which can be cleared then", async () => {
    await daemon.client.skillVariants({
      target: "team/everywhere:1",
      variants: ["linux/amd64", "linux/arm64"].map((platform) => ({ platform, reference: "team/harbour-notes:1" })),
    });
    expect((await sbom("team/everywhere:1")).components).toBeGreaterThan(0);
    await pratique(["sign", "team/everywhere:1"], place);
    expect((await pratique(["clear", "team/everywhere:1"], place)).code).toBe(0);
  });
});

describe("pratique diff", () => {
  it("shows packages in their own order of versions, and files", async () => {
    const { code, stdout } = await pratique(["diff", "team/base:1", "team/base:2", "--exit-code"], place);
    expect(code).toBe(1);
    expect(stdout).toMatch(/↑ libssl3\s+3\.0\.11-1~deb12u1 → 3\.0\.11-1~deb12u2/);
    const answer = (await pratique(["diff", "team/base:2", "team/base:1", "--json"], place)).json<DiffResult>();
    expect(answer.packages.changed).toMatchObject([{ name: "libssl3", type: "deb", direction: "down" }]);
    expect(answer.files.added.map(({ path }) => path)).toEqual(["srv/gone.txt"]);
    expect(answer.files.removed.map(({ path }) => path)).toEqual(["srv/new.txt"]);
    expect(answer.files.changed.map(({ path }) => path)).toEqual(["srv/changed.txt", "var/lib/dpkg/status"]);
  });

  it("says when nothing differs", async () => {
    const { code, stdout } = await pratique(["diff", "team/model:1", "team/model:1", "--exit-code"], place);
    expect([code, stdout]).toEqual([0, expect.stringContaining("nothing differs")]);
  });
});
