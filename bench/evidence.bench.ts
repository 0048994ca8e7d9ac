// Signing and verifying: what one bundle costs that was never seen before, by key and by certificate.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { silentLog, systemClock as clock } from "@pratique/core";
import {
  openKeylessSigner,
  openKeyRing,
  openSigningKey,
  fileKeys,
  readTrustRoot,
  signArtifact,
  signModel,
  verifyArtifact,
  verifyOmsBundle,
  type Trust,
} from "@pratique/evidence";
import { MEDIA_TYPES, openContentStore, type Descriptor } from "@pratique/oci";
import { startSigstore } from "../packages/sigstore/src/sigstore.fixture.ts";
import { printTable } from "./measure.ts";

const ROUNDS = 40;
const directory = await mkdtemp(join(tmpdir(), "pratique-bench-evidence-"));
const store = await openContentStore(join(directory, "registry"), { clock, log: silentLog });
const repo = store.repository("bench/evidence");
const ring = await openKeyRing({
  directory: join(directory, "keys/signing"),
  owner: await openSigningKey(join(directory, "keys")),
  configured: {},
  providers: [fileKeys()],
  taken: new Set(),
});
const own = await startSigstore({ clock });

let serial = 0;
async function pushArtifact(): Promise<Descriptor> {
  const config = await repo.putBlob(Buffer.from("{}"));
  const layer = await repo.putBlob(Buffer.from(`artifact ${serial++}`));
  const manifest = {
    schemaVersion: 2,
    mediaType: MEDIA_TYPES.imageManifest,
    artifactType: "application/vnd.example",
    config: { mediaType: MEDIA_TYPES.empty, ...config },
    layers: [{ mediaType: "text/plain", ...layer }],
  };
  return repo.putManifest(Buffer.from(JSON.stringify(manifest)), MEDIA_TYPES.imageManifest);
}

interface Cost {
  readonly first: number;
  readonly median: number;
}

/** CPU milliseconds of each round: the first in this process, and the middle of the others. */
async function measure(act: (round: number) => Promise<unknown>, rounds = ROUNDS): Promise<Cost> {
  const costs: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const before = process.cpuUsage();
    await act(round);
    const { user, system } = process.cpuUsage(before);
    costs.push((user + system) / 1000);
  }
  const [first = 0, ...others] = costs;
  return { first, median: others.sort((a, b) => a - b)[others.length >> 1] ?? 0 };
}

const rows: (string | number)[][] = [];
try {
  for (const algorithm of ["ecdsa-p256", "ecdsa-p384", "ed25519"] as const) {
    const { name, publicKeyPem = "" } = await ring.create(algorithm, algorithm);
    const key = await ring.open(name);
    const subjects = await Promise.all(Array.from({ length: ROUNDS }, pushArtifact));
    const sign = await measure((round) => signArtifact(repo, subjects[round]!, key, clock));
    const trust: Trust = { keys: [{ name, publicKeyPem }] };
    const verify = await measure(async (round) => {
      const { verified } = await verifyArtifact(repo, subjects[round]!, trust);
      if (verified.length !== 1) throw new Error("it does not verify");
    });
    rows.push([`bundle by key, ${algorithm}`, sign.median, verify.first, verify.median]);
  }

  const root = readTrustRoot("bench", own.sigstore.trustedRoot.bytes);
  const subjects = await Promise.all(Array.from({ length: ROUNDS }, pushArtifact));
  let trust: Trust = { keys: [] };
  const sign = await measure(async (round) => {
    const signer = await openKeylessSigner({
      identityToken: await own.issuer.token(),
      signingConfig: own.sigstore.signingConfig.bytes,
      root,
      clock,
    });
    ({ trust } = signer);
    await signArtifact(repo, subjects[round]!, signer, clock);
  });
  const verify = await measure(async (round) => {
    const { verified } = await verifyArtifact(repo, subjects[round]!, trust);
    if (verified.length !== 1) throw new Error("it does not verify");
  });
  rows.push(["bundle without a key (chain, SCT, timestamp, log)", sign.median, verify.first, verify.median]);

  const key = await ring.open("owner");
  const files = new Map(Array.from({ length: 100 }, (_, index) => [`file-${index}`, "00".repeat(32)]));
  const bundles: Buffer[] = [];
  const signing = await measure(async (round) => {
    bundles.push((await signModel(`model-${round}`, files, [], key)).bundle);
  });
  const checking = await measure(async (round) => {
    const verified = verifyOmsBundle(bundles[round]!, { keys: [{ name: "owner", publicKeyPem: key.publicKeyPem }] });
    if (!verified.ok) throw new Error(verified.detail);
  });
  rows.push(["model signature of 100 files, hashed already", signing.median, checking.first, checking.median]);
} finally {
  await own.stop();
  await store.close();
  await rm(directory, { recursive: true, force: true });
}
printTable(
  "CPU ms to sign and to verify one artifact, its manifests and bundles read from the store",
  ["what", "sign", "verify, first in the process", "verify, never seen"],
  rows,
);
