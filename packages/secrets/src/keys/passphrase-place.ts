// A ring of keys in a file that opens with a passphrase: scrypt (RFC 7914), then AES-256-GCM.
import { scrypt } from "node:crypto";
import { dirname } from "node:path";
import { ensureDirectory, writeFileDurably } from "@pratique/store";
import { z } from "zod";
import { secretErrors } from "../errors.ts";
import type { Random } from "../random.ts";
import { KEY_BYTES, seal, unseal } from "../seal.ts";
import type { KeyPlace } from "./key-place.ts";
import { readPrivateFile } from "./private-file.ts";

const PassphraseDocument = z.strictObject({
  version: z.literal(1),
  kdf: z.strictObject({
    name: z.literal("scrypt"),
    N: z.union([z.literal(2 ** 17), z.literal(2 ** 18), z.literal(2 ** 19)]),
    r: z.literal(8),
    p: z.literal(1),
    salt: z.base64().length(24),
  }),
  sealed: z.base64().max(512 * 1024),
});
type Derivation = z.infer<typeof PassphraseDocument>["kdf"];

/** OWASP's least for scrypt: 128 MiB for each guess. */
const COST = 2 ** 17;
const LEAST_BYTES = 12;

export interface PassphrasePlaceOptions {
  readonly path: string;
  /** Asked for each time: what unlocks is not kept in memory. */
  readonly passphrase: () => Promise<Buffer>;
  readonly random: Random;
}

export function passphrasePlace({ path, passphrase, random }: PassphrasePlaceOptions): KeyPlace {
  const place = `${path}, with a passphrase`;
  const unusable = (reason: string): Error => secretErrors("secrets.keys-unusable", { place, reason });
  const derive = async (kdf: Derivation): Promise<Buffer> => {
    const text = await passphrase();
    try {
      if (text.byteLength < LEAST_BYTES) throw unusable(`the passphrase is shorter than ${LEAST_BYTES} bytes`);
      return await scryptKey(text, kdf);
    } finally {
      text.fill(0);
    }
  };
  return {
    type: "passphrase",
    place,
    async read() {
      const bytes = await readPrivateFile(path);
      if (bytes === undefined) return undefined;
      let document: z.infer<typeof PassphraseDocument>;
      try {
        document = PassphraseDocument.parse(JSON.parse(bytes.toString("utf8")));
      } catch {
        throw unusable("it holds no ring of keys");
      }
      const key = await derive(document.kdf);
      const opened = unseal(key, Buffer.from(document.sealed, "base64"), boundTo(document.kdf));
      key.fill(0);
      if (opened === undefined) throw unusable("the passphrase does not open it");
      return { bytes: opened, revision: "" };
    },
    async write(bytes) {
      const kdf: Derivation = { name: "scrypt", N: COST, r: 8, p: 1, salt: random(16).toString("base64") };
      const key = await derive(kdf);
      const sealed = seal(key, bytes, boundTo(kdf), random).toString("base64");
      key.fill(0);
      await ensureDirectory(dirname(path), 0o700);
      await writeFileDurably(path, `${JSON.stringify({ version: 1, kdf, sealed })}\n`, { mode: 0o600 });
      return true;
    },
  };
}

function boundTo({ N, salt }: Derivation): Buffer {
  return Buffer.from(JSON.stringify(["pratique.key-ring", 1, N, salt]));
}

function scryptKey(text: Buffer, { N, r, p, salt }: Derivation): Promise<Buffer> {
  const options = { N, r, p, maxmem: 256 * N * r };
  return new Promise((resolve, reject) => {
    scrypt(text, Buffer.from(salt, "base64"), KEY_BYTES, options, (error, key) => {
      if (error === null) resolve(key);
      else reject(error);
    });
  });
}
