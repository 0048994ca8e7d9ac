// Signing without a key as a person does it: the daemon is a Sigstore, another daemon trusts it by digest.
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { KeylessSignResult, SigstoreStatus, SigstoreTrust, VerifyResult } from "@pratique/contracts";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startIssuer, type TestIssuer } from "../../packages/sigstore/src/sigstore.fixture.ts";
import { EXAMPLES, pratique, startDaemon, temporaryHome, type Daemon, type Result } from "../support/program.ts";

let place: Awaited<ReturnType<typeof temporaryHome>>;
let issuer: TestIssuer;
let daemon: Daemon;
beforeAll(async () => {
  place = await temporaryHome();
  issuer = await startIssuer();
  const config = {
    sigstore: { enabled: true, name: "acme.test", issuers: { people: { issuer: issuer.url } } },
    trust: { identities: { anna: { issuer: issuer.url, subject: "anna@acme.test", roots: ["own"] } } },
  };
  // YAML reads JSON.
  await writeFile(join(place.home, "pratique.yaml"), JSON.stringify(config));
  daemon = await startDaemon(place.home);
});
afterAll(async () => {
  await daemon?.stop();
  await issuer?.stop();
  await place?.remove();
});

const run = (...args: string[]): Promise<Result> => pratique(args, { home: place.home });

async function tokenFile(email: string): Promise<string> {
  const file = join(place.home, "identity-token");
  await writeFile(file, await issuer.token({ email }));
  return file;
}

describe("signing without a key", () => {
  const reference = "team/skill:1.0";

  it("counts for the identity that is trusted, and leaves its records and no token", async () => {
    expect(await run("pack", join(EXAMPLES, "skill", "harbour-notes"), reference)).toMatchObject({ code: 0 });
    const stranger = await run("sign", reference, "--keyless", "--identity-token", await tokenFile("eve@acme.test"));
    expect([stranger.code, stranger.stderr]).toMatchObject([0, expect.stringContaining("as eve@acme.test")]);
    const before = (await run("verify", reference, "--json")).json<VerifyResult>();
    expect(before.verified).toBe(false);
    expect(before.rejected).toMatchObject([{ reason: "wrong-identity" }]);
    const file = await tokenFile("anna@acme.test");
    const signed = (
      await run("sign", reference, "--keyless", "--identity-token", file, "--json")
    ).json<KeylessSignResult>();
    expect(signed).toMatchObject({ issuer: issuer.url, subject: "anna@acme.test", root: "own" });
    expect((await run("verify", reference, "--json")).json<VerifyResult>().verified).toBe(true);
    const records = await daemon.client.records({ action: "signing:certify" });
    expect(records.map(({ principal }) => principal.name).sort()).toEqual(["anna@acme.test", "eve@acme.test"]);
    expect(daemon.log()).not.toContain(".eyJ");
    expect(JSON.stringify(await daemon.client.records({ limit: 100 }))).not.toContain(".eyJ");
  });

  it("says what is missing when there is no token, or one that nobody takes", async () => {
    const without = await run("sign", reference, "--keyless");
    expect([without.code, without.stderr]).toMatchObject([1, expect.stringContaining("sign.no-token")]);
    const file = join(place.home, "identity-token");
    await writeFile(file, await issuer.token({ aud: "elsewhere" }));
    const refused = await run("sign", reference, "--keyless", "--identity-token", file);
    expect([refused.code, refused.stderr]).toMatchObject([1, expect.stringContaining("keyless.refused")]);
  });

  it("is verified and made by another daemon that pins the documents, also once the first is gone", async () => {
    const { trustedRoot, signingConfig } = (await run("sigstore", "trust", "--json")).json<SigstoreTrust>();
    expect((await run("sigstore", "status", "--json")).json<SigstoreStatus>().own).toMatchObject({ entries: 2 });
    const pinned = ({ url, digest }: typeof trustedRoot) => ({ url, digest });
    const other = await temporaryHome();
    const write = (root: object): Promise<void> =>
      writeFile(
        join(other.home, "pratique.yaml"),
        JSON.stringify({
          trust: {
            roots: { acme: root },
            identities: { anna: { issuer: issuer.url, subjectPattern: "*@acme.test", roots: ["acme"] } },
          },
          signing: { keyless: { root: "acme", signingConfig: pinned(signingConfig) } },
        }),
      );
    try {
      await write({ ...pinned(trustedRoot), digest: `sha256:${"0".repeat(64)}` });
      await expect(startDaemon(other.home)).rejects.toThrow("trust.wrong-digest");
      await write(pinned(trustedRoot));
      const second = await startDaemon(other.home);
      const there = (...args: string[]): Promise<Result> => pratique(args, { home: other.home });
      expect((await there("pack", join(EXAMPLES, "skill", "harbour-notes"), reference)).code).toBe(0);
      const file = await tokenFile("anna@acme.test");
      expect((await there("sign", reference, "--keyless", "--identity-token", file)).code).toBe(0);
      await daemon.stop();
      await second.stop();
      const third = await startDaemon(other.home);
      expect((await there("verify", reference, "--json")).json<VerifyResult>().verified).toBe(true);
      await third.stop();
    } finally {
      await other.remove();
    }
  });
});
