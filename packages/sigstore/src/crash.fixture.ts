// The process that `crash.test.ts` kills: certifies, logs and stamps without end, and tells what was acknowledged.
import { createHash, generateKeyPairSync, sign, type KeyObject } from "node:crypto";
import { silentLog, systemClock } from "@pratique/core";
import { startIssuer, testGuard } from "./sigstore.fixture.ts";
import { Sigstore } from "./sigstore.ts";
import { parseEntry } from "./transparency-log.ts";

const CLIENTS = 4;

async function signForever(directory: string): Promise<void> {
  tell({ type: "opening" });
  const issuer = await startIssuer();
  const sigstore = await Sigstore.open({
    directory,
    name: "crash.test",
    issuers: [{ issuer: issuer.url, audience: "sigstore", subject: "email" }],
    url: "http://localhost",
    guard: await testGuard([]),
    clock: systemClock,
    log: silentLog,
  });
  tell({ type: "opened", root: sigstore.trustedRoot.digest, vkey: sigstore.logs.vkey });
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "prime256v1" });
  const token = await issuer.token();
  await Promise.all(
    Array.from({ length: CLIENTS }, async (_, client) => {
      for (let n = 0; ; n += 1) {
        const signature = sign("sha256", Buffer.from("ci@example.com"), privateKey);
        const { serial } = await sigstore.certify(token, { publicKey, proof: { signature } });
        const entry = parseEntry(entryOf(`${process.pid} ${client} ${n}`, publicKey, privateKey));
        const { logIndex } = await sigstore.record(entry, undefined);
        tell({ type: "acknowledged", logIndex, body: entry.body.toString("base64"), serial });
      }
    }),
  );
}

function entryOf(message: string, publicKey: KeyObject, privateKey: KeyObject): object {
  return {
    hashedRekordRequestV002: {
      digest: createHash("sha256").update(message).digest("base64"),
      signature: {
        content: sign("sha256", Buffer.from(message), privateKey).toString("base64"),
        verifier: {
          keyDetails: "PKIX_ECDSA_P256_SHA_256",
          publicKey: { rawBytes: publicKey.export({ type: "spki", format: "der" }).toString("base64") },
        },
      },
    },
  };
}

function tell(message: object): void {
  process.send?.(message);
}

process.once("message", (directory) => void signForever(String(directory)));
