// Keys and values that lie with others: Vault or OpenBao, and Kubernetes.
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { inspect } from "node:util";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { startKubernetesSecretsFake, type KubernetesSecretsFake } from "../../../test/fakes/kubernetes-secrets.ts";
import { startVaultSecretsFake, type VaultSecretsFake } from "../../../test/fakes/vault-secrets.ts";
import { ada, secretHouse, type SecretHouse } from "./secrets.fixture.ts";
import type { SecretStore } from "./secret-store.ts";

const TOKEN = "s.secret-token";
const VALUE = "correct-horse-battery-staple";
let house: SecretHouse;
beforeEach(async () => {
  house = await secretHouse();
  await writeFile(join(house.home, "token"), `${TOKEN}\n`, { mode: 0o600 });
});
afterEach(() => house.close());

const set = (store: SecretStore, name = "token") => store.set({ owner: "", name }, Buffer.from(VALUE));

describe("Vault or OpenBao", () => {
  let vault: VaultSecretsFake;
  const at = () => ({ address: vault.address, tokenFile: "token" });
  const keys = () => ({ keys: { type: "vault" as const, ...at() } });
  beforeEach(async () => void (vault = await startVaultSecretsFake(TOKEN)));
  afterEach(() => vault.close());

  it("wraps data keys, and never sees a value", async () => {
    const store = await house.open(keys());
    await set(store);
    expect((await (await house.open(keys())).get("token", undefined))?.reveal()).toBe(VALUE);
    expect(await store.keys()).toMatchObject({ type: "vault", under: 1 });
    expect((await store.list())[0]?.keyId).toBe("vault:transit/pratique:v1");
    expect(await store.rotate()).toEqual({ keyId: "vault:transit/pratique:v2", moved: 1, left: 0 });
    expect((await store.get("token", undefined))?.reveal()).toBe(VALUE);
    await store.probe();
  });

  it("takes over secrets from a key file", async () => {
    await set(await house.open());
    const store = await house.open({ ...keys(), formerKeys: [{ type: "file" }] });
    expect((await store.get("token", undefined))?.reveal()).toBe(VALUE);
    await store.rotate();
    expect((await (await house.open(keys())).get("token", undefined))?.reveal()).toBe(VALUE);
  });

  it("opens nothing when it answers otherwise", async () => {
    const store = await house.open(keys());
    await set(store);
    const answers = [
      [503, '{"errors":["Vault is sealed"]}', "secrets.keys-unreachable"],
      [403, '{"errors":["permission denied"]}', "secrets.keys-unusable"],
      [200, "<html>a proxy's page</html>", "secrets.keys-unusable"],
      [200, '{"data":{"plaintext":"AAAA"}}', "secret.unreadable"],
      [301, "", "secrets.keys-unusable"],
      [200, `{"data":"${"x".repeat(3 * 1024 * 1024)}"}`, "secrets.keys-unreachable"],
    ] as const;
    for (const [status, body, code] of answers) {
      vault.next = { status, body };
      await expect(store.get("token", undefined)).rejects.toMatchObject({ code });
    }
  });

  it("is asked with a token of the owner alone, by https or on this machine, and the token is not told", async () => {
    await writeFile(join(house.home, "other"), "s.revoked-token", { mode: 0o600 });
    const revoked = await house.open({ keys: { type: "vault", ...at(), tokenFile: "other" } });
    const error: unknown = await set(revoked).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: "secrets.keys-unusable" });
    expect(inspect(error, { depth: 9 })).not.toContain("revoked-token");
    const plain = await house.open({ keys: { type: "vault", ...at(), address: "http://vault.example:8200" } });
    await expect(set(plain)).rejects.toMatchObject({ code: "secrets.keys-unreachable" });
    await writeFile(join(house.home, "open"), TOKEN, { mode: 0o644 });
    const exposed = await house.open({ keys: { type: "vault", ...at(), tokenFile: "open" } });
    await expect(set(exposed)).rejects.toMatchObject({ code: "secrets.keys-unreachable" });
    await vault.close();
    await expect(set(await house.open(keys()))).rejects.toMatchObject({ code: "secrets.keys-unreachable" });
  });

  it("gives values that the store has none of, to those that are shared", async () => {
    vault.values.set("pratique/github/token", { value: VALUE });
    vault.values.set("pratique/only", { anything: "the-only-field" });
    vault.values.set("pratique/two", { a: "1", b: "2" });
    const store = await house.open({ sources: [{ type: "vault", ...at() }] });
    expect((await store.get("github/token", undefined))?.reveal()).toBe(VALUE);
    expect((await store.get("only", undefined))?.reveal()).toBe("the-only-field");
    await expect(store.get("two", undefined)).rejects.toMatchObject({ code: "secrets.source-failed" });
    expect(await store.get("none", undefined)).toBeUndefined();
    expect(await store.get("github/token", ada)).toBeUndefined();
    await set(store, "only");
    expect((await store.get("only", undefined))?.reveal()).toBe(VALUE);
    const unmounted = await house.open({ sources: [{ type: "vault", ...at(), mount: "kv" }] });
    await expect(unmounted.get("x", undefined)).rejects.toMatchObject({ code: "secrets.source-failed" });
  });
});

describe("Kubernetes", () => {
  let cluster: KubernetesSecretsFake;
  const place = () => ({
    type: "kubernetes" as const,
    name: "pratique-keys",
    namespace: "agents",
    address: cluster.address,
    tokenFile: "token",
  });
  beforeEach(async () => void (cluster = await startKubernetesSecretsFake(TOKEN)));
  afterEach(() => cluster.close());

  it("holds the keys in a Secret, and two daemons that make it at once have the same", async () => {
    const [one, two] = [await house.open({ keys: place() }), await house.open({ keys: place() })];
    await Promise.all([set(one, "one"), set(two, "two")]);
    expect((await one.get("two", undefined))?.reveal()).toBe(VALUE);
    expect((await two.get("one", undefined))?.reveal()).toBe(VALUE);
    expect(new Set((await one.list()).map(({ keyId }) => keyId)).size).toBe(1);
  });

  it("is rotated by one while another does so too, and what else is in the Secret stays", async () => {
    const other = Buffer.from("theirs").toString("base64");
    cluster.secrets.set("agents/pratique-keys", { data: { other }, resourceVersion: 1 });
    const store = await house.open({ keys: place() });
    await set(store);
    const second = await house.open({ keys: place() });
    await second.get("token", undefined);
    const stored = cluster.secrets.get("agents/pratique-keys");
    cluster.race = () => void (stored && (stored.resourceVersion += 1));
    expect(await store.rotate()).toMatchObject({ moved: 1, left: 0 });
    expect((await second.get("token", undefined))?.reveal()).toBe(VALUE);
    expect(cluster.secrets.get("agents/pratique-keys")?.data["other"]).toBe(other);
  });

  it("refuses, or is away, and says so without the token", async () => {
    await writeFile(join(house.home, "token"), "expired-token", { mode: 0o600 });
    const error: unknown = await set(await house.open({ keys: place() })).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: "secrets.keys-unreachable", message: expect.stringContaining("Unauthorized") });
    expect(inspect(error, { depth: 9 })).not.toContain("expired-token");
  });

  it("gives values of a Secret, through the API and mounted", async () => {
    const data = { "github.token": Buffer.from(VALUE).toString("base64") };
    cluster.secrets.set("agents/values", { data, resourceVersion: 1 });
    const store = await house.open({ sources: [{ ...place(), name: "values" }] });
    expect((await store.get("github/token", undefined))?.reveal()).toBe(VALUE);
    const mounted = join(house.home, "mounted");
    await mkdir(mounted);
    await writeFile(join(mounted, "github.token"), `${VALUE}\n`);
    const files = await house.open({ sources: [{ type: "directory", directory: mounted }] });
    expect((await files.get("github.token", undefined))?.reveal()).toBe(VALUE);
    expect(await files.get("none", undefined)).toBeUndefined();
  });

  it("mounts the keys where nothing may be written", async () => {
    await set(await house.open({ keys: place() }));
    const ring = Buffer.from(cluster.secrets.get("agents/pratique-keys")?.data["key-ring.json"] ?? "", "base64");
    const mounted = join(house.home, "mounted");
    await mkdir(mounted);
    await writeFile(join(mounted, "key-ring.json"), ring);
    const store = await house.open({ keys: { type: "kubernetes-mounted", directory: mounted } });
    expect((await store.get("token", undefined))?.reveal()).toBe(VALUE);
    await expect(store.rotate()).rejects.toMatchObject({ code: "secrets.keys-unusable" });
    expect((await store.get("token", undefined))?.reveal()).toBe(VALUE);
  });
});
