// Keys, signatures and what is required of whom, as a person uses them: the program, and a daemon behind it.
import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { DirectoryVerifyResult, SignResult, VerifyResult } from "@pratique/contracts";
import { pratique, ROOT, startDaemon, temporaryHome, type Daemon } from "../support/program.ts";

const COSIGN_KEY = join(ROOT, "packages/evidence/src/signing/recorded/cosign.key");
const RECORDED = join(ROOT, "packages/evidence/src/oms/recorded");
const MODEL = "team/boat:1.0.0";

let place: Awaited<ReturnType<typeof temporaryHome>>;
let daemon: Daemon;
let directory = "";

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "pratique-signing-"));
  place = await temporaryHome();
  await writeFile(
    join(place.home, "pratique.yaml"),
    `trust:
  requirements:
    - repositories: ["team/*"]
      statements:
        - { type: signature, by: [{ key: release }, { key: quality }], threshold: 2 }
        - { type: slsaprovenance1, by: [{ key: owner }] }
`,
  );
  daemon = await startDaemon(place.home);
  await daemon.client.pack({ directory: join(ROOT, "examples/voyage/model"), reference: MODEL });
}, 120_000);
afterAll(async () => {
  await daemon.stop();
  await place.remove();
  await rm(directory, { recursive: true, force: true });
});

const verify = async (...flags: string[]) => {
  const result = await pratique(["verify", MODEL, ...flags, "--json"], place);
  return { code: result.code, answer: result.json<VerifyResult>() };
};
const reasons = ({ answer }: { answer: VerifyResult }): string[] => answer.missing.map(({ reason }) => reason);

it("asks for every signer that is required, and for signatures and not statements", async () => {
  expect((await pratique(["key", "create", "release", "--type", "ecdsa-p384"], place)).code).toBe(0);
  await writeFile(join(directory, "passphrase"), "geheim\n", { mode: 0o600 });
  const imported = await pratique(
    ["key", "import", "quality", COSIGN_KEY, "--passphrase-file", join(directory, "passphrase")],
    place,
  );
  expect(imported.code).toBe(0);
  // It has provenance and an SBOM by the owner: that is no signature on it.
  const unsigned = await verify();
  expect([unsigned.code, reasons(unsigned)]).toEqual([3, ["no signature by key release or key quality verifies"]]);
  const one = await pratique(["sign", MODEL, "--key", "release", "--format", "both", "--oms", "--json"], place);
  expect(one.json<SignResult>()).toMatchObject({ legacyTag: expect.stringMatching(/\.sig$/), oms: { files: 6 } });
  const half = await verify();
  expect([half.code, reasons(half)]).toEqual([3, ["1 of 2 signatures by key release or key quality"]]);
  await pratique(["sign", MODEL, "--key", "quality"], place);
  const whole = await verify();
  expect([whole.code, reasons(whole)]).toEqual([0, []]);
  expect(whole.answer.statements.map(({ signer, form }) => `${signer.name} ${form}`)).toContain("release legacy");
  expect(whole.answer.modelSignatures).toMatchObject([{ verified: true, signer: "release", problems: [] }]);
});

it("asks besides for what the caller asks for", async () => {
  expect((await verify("--key", "release")).code).toBe(0);
  expect((await verify("--key", join(place.home, "keys/signing/release.pub"))).code).toBe(0);
  expect(reasons(await verify("--key", "owner"))).toEqual(["the signature is by quality, release, not by key owner"]);
  expect((await verify("--type", "cyclonedx", "--key", "owner")).code).toBe(0);
  expect(reasons(await verify("--type", "openvex"))).toEqual(["no openvex statement by a trusted signer verifies"]);
  const keyless = ["--certificate-identity", "a@example.com", "--certificate-oidc-issuer", "https://id.example.com"];
  expect((await verify(...keyless)).code).toBe(3);
  // A key that counts for one verification meets nothing that the configuration requires.
  const stranger = await verify("--key", join(RECORDED, "p256.pub"));
  expect(stranger.answer.missing).toMatchObject([{ code: "other-signer" }]);
  expect((await pratique(["verify", MODEL, "--certificate-identity", "a"], place)).code).toBe(2);
  expect((await pratique(["verify", MODEL, "--type", "nonsense"], place)).code).toBe(1);
});

it("signs a directory of a model, and says which file is another", async () => {
  const model = join(directory, "model");
  await cp(join(ROOT, "examples/voyage/model"), model, { recursive: true });
  expect((await pratique(["sign", model], place)).code).toBe(2);
  expect((await pratique(["sign", MODEL, "--keyless", "--oms"], place)).code).toBe(2);
  expect((await pratique(["sign", model, "--oms", "--key", "release"], place)).code).toBe(0);
  expect(JSON.parse(await readFile(join(model, "model.sig"), "utf8"))).toHaveProperty("dsseEnvelope");
  expect((await pratique(["verify", model], place)).code).toBe(0);
  await writeFile(join(model, "extra.txt"), "");
  const altered = await pratique(["verify", model, "--json"], place);
  expect(altered.code).toBe(3);
  expect(altered.json<DirectoryVerifyResult>().problems).toEqual(["extra.txt is there and was not signed"]);
  const unknown = await pratique(["verify", model, "--signature", join(RECORDED, "256.sig"), "--json"], place);
  expect([unknown.code, unknown.json<DirectoryVerifyResult>().problems]).toEqual([
    3,
    ["the key that it names is not trusted"],
  ]);
});

it("records who signed with what, and no secret", async () => {
  const records = await daemon.client.records({ action: "artifact:sign", limit: 100 });
  expect(records.map(({ details }) => details?.["key"])).toEqual(["release", "quality"]);
  const everything = JSON.stringify(await daemon.client.records({ limit: 1000 }));
  expect(everything).not.toContain("geheim");
  expect(everything).not.toContain("PRIVATE KEY");
});

it("lists keys that outlive the daemon", async () => {
  await daemon.kill();
  daemon = await startDaemon(place.home);
  const listed = await pratique(["key", "ls", "--json"], place);
  expect(listed.json<{ keys: { name: string }[] }>().keys.map(({ name }) => name)).toEqual([
    "owner",
    "quality",
    "release",
  ]);
  expect((await verify()).code).toBe(0);
});
