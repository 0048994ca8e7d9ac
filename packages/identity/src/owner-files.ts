// The two files that say who owns this installation: the id, and the token that proves it.
import { constants } from "node:fs";
import { open } from "node:fs/promises";
import { userInfo } from "node:os";
import { uuidv7, type Clock } from "@pratique/core";
import { fileError, systemCode, writeFileDurably } from "@pratique/store";
import { identityErrors } from "./errors.ts";
import { formatToken, isOwnerToken, OWNER_PREFIX, TOKEN_BYTES } from "./token.ts";

export type Random = (size: number) => Uint8Array;

const MAX_BYTES = 1024;
const OWNER_ID = /^user-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/**
 * Reads the owner's token, and makes it when there is none.
 * @throws `identity.token-exposed` when others can read it, or it is a link or another user's
 */
export async function loadOwnerToken(file: string, random: Random): Promise<string> {
  const kept = await readPrivate(file);
  if (kept === undefined) {
    const token = formatToken(OWNER_PREFIX, random(TOKEN_BYTES));
    await writeFileDurably(file, `${token}\n`, { mode: 0o600 });
    return token;
  }
  if (kept.exposure !== undefined) throw identityErrors("identity.token-exposed", { file, reason: kept.exposure });
  const token = kept.text.trimEnd();
  if (!isOwnerToken(token)) throw identityErrors("identity.token-malformed", { file });
  return token;
}

/** Reads the owner's id, and makes it when there is none: the same person at every start. */
export async function loadOwnerId(file: string, clock: Clock, random: Random): Promise<string> {
  const kept = await readPrivate(file);
  if (kept === undefined) {
    const id = `user-${uuidv7(clock, random)}`;
    await writeFileDurably(file, `${id}\n`, { mode: 0o600 });
    return id;
  }
  const id = kept.text.trimEnd();
  if (kept.exposure === LINK || !OWNER_ID.test(id)) throw identityErrors("identity.owner-malformed", { file });
  return id;
}

const LINK = "it is a link";

/** Looks at the file that was opened, not at its name: nobody can swap it in between. */
async function readPrivate(file: string): Promise<{ text: string; exposure: string | undefined } | undefined> {
  try {
    const handle = await open(file, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    try {
      const { mode, uid } = await handle.stat();
      const { buffer, bytesRead } = await handle.read(Buffer.alloc(MAX_BYTES), 0, MAX_BYTES, 0);
      return { text: buffer.toString("utf8", 0, bytesRead), exposure: exposureOf(mode, uid) };
    } finally {
      await handle.close();
    }
  } catch (error) {
    const code = systemCode(error);
    if (code === "ENOENT") return undefined;
    if (code === "ELOOP") return { text: "", exposure: LINK };
    throw fileError(error, file);
  }
}

function exposureOf(mode: number, uid: number): string | undefined {
  if ((mode & 0o077) !== 0) return `its mode is ${(mode & 0o777).toString(8)}, not 600`;
  const self = userInfo().uid;
  return self >= 0 && uid !== self ? "it belongs to another user" : undefined;
}
