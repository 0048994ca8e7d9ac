// The key under which the gateway seals what it hands to clients: it is kept, so that that is good after a restart too.
import { randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import { systemCode, writeFileDurably } from "@pratique/store";

const KEY_BYTES = 32;

/** One that is not whole is made anew: then clients ask again. */
export async function openGatewayKey(file: string): Promise<Uint8Array> {
  try {
    const key = await readFile(file);
    if (key.length === KEY_BYTES) return key;
  } catch (error) {
    if (systemCode(error) !== "ENOENT") throw error;
  }
  const key = randomBytes(KEY_BYTES);
  await writeFileDurably(file, key, { mode: 0o600 });
  return key;
}
