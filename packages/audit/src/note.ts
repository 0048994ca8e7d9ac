// Checkpoints as signed notes (C2SP signed-note, tlog-checkpoint): written, parsed and verified. Pure.
import { createHash, createPublicKey, verify, type KeyObject } from "node:crypto";
import { auditErrors } from "./errors.ts";
import { HASH_BYTES } from "./tile.ts";

/** A signed statement of what the log holds. `rootHash` is base64; `note` is the whole signed text. */
export interface Checkpoint {
  readonly origin: string;
  readonly size: number;
  readonly rootHash: string;
  readonly note: string;
}

/** Who may sign checkpoints: the log's name and its Ed25519 key. */
export interface NoteVerifier {
  readonly name: string;
  readonly keyId: Buffer;
  readonly publicKey: KeyObject;
}

const ED25519 = 0x01;
const SPKI_PREFIX = Buffer.from("302a300506032b6570032100", "hex");
const NAME = /^[^\s+\p{Cc}]{1,255}$/u;

/** A note's lines: origin, size, root, an empty line, one signature. */
export const NOTE_LINES = 5;

/** True for what a signed note accepts as a key's name. */
export function isNoteName(name: string): boolean {
  return NAME.test(name);
}

/** SHA-256(name ‖ "\n" ‖ 0x01 ‖ public key), first four bytes. */
export function noteKeyId(name: string, rawPublicKey: Uint8Array): Buffer {
  return createHash("sha256")
    .update(`${name}\n`)
    .update(Buffer.of(ED25519))
    .update(rawPublicKey)
    .digest()
    .subarray(0, 4);
}

/** `name+hex(key id)+base64(0x01 ‖ public key)` */
export function formatVkey(name: string, rawPublicKey: Uint8Array): string {
  const key = Buffer.concat([Buffer.of(ED25519), rawPublicKey]).toString("base64");
  return `${name}+${noteKeyId(name, rawPublicKey).toString("hex")}+${key}`;
}

/** @throws `audit.bad-note` for what is no Ed25519 verifier key */
export function parseVkey(vkey: string): NoteVerifier {
  const [name = "", id = "", key = ""] = splitVkey(vkey);
  const bytes = Buffer.from(key, "base64");
  const raw = bytes.subarray(1);
  if (!isNoteName(name) || bytes[0] !== ED25519 || raw.length !== 32 || noteKeyId(name, raw).toString("hex") !== id) {
    throw auditErrors("audit.bad-note", { what: "the verifier key", reason: "it is not name+id+key for Ed25519" });
  }
  const der = Buffer.concat([SPKI_PREFIX, raw]);
  return { name, keyId: noteKeyId(name, raw), publicKey: createPublicKey({ key: der, format: "der", type: "spki" }) };
}

/** Base64 may hold plus signs, a name may not. */
function splitVkey(vkey: string): string[] {
  const [name = "", id = ""] = vkey.split("+", 2);
  return [name, id, vkey.slice(name.length + id.length + 2).trim()];
}

/** The text that is signed. */
export function checkpointBody(origin: string, size: number, root: Uint8Array): string {
  return `${origin}\n${size}\n${Buffer.from(root).toString("base64")}\n`;
}

/** The signed note of a body. */
export function signNote(
  body: string,
  key: { readonly name: string; readonly keyId: Uint8Array; sign(bytes: Uint8Array): Uint8Array },
): string {
  const signature = Buffer.concat([key.keyId, key.sign(Buffer.from(body))]).toString("base64");
  return `${body}\n— ${key.name} ${signature}\n`;
}

/**
 * Parses a checkpoint and verifies that the log signed it. Signatures by others (witnesses) are passed over.
 * @throws `audit.bad-note` saying what is wrong with it; `what` names it in the message
 */
export function openCheckpoint(note: string, verifier: NoteVerifier, what = "the note"): Checkpoint {
  const bad = (reason: string): Error => auditErrors("audit.bad-note", { what, reason });
  const end = note.indexOf("\n\n");
  if (end < 0 || note.length > 65_536 || !note.endsWith("\n")) throw bad("it has no signature");
  const body = note.slice(0, end + 1);
  const [origin = "", sizeText = "", rootHash = ""] = body.split("\n");
  const size = Number(sizeText);
  const root = Buffer.from(rootHash, "base64");
  if (origin !== verifier.name) throw bad(`it is of another log than ${verifier.name}`);
  if (!/^(0|[1-9]\d{0,15})$/.test(sizeText) || !Number.isSafeInteger(size)) throw bad("its size is no number");
  if (root.length !== HASH_BYTES || root.toString("base64") !== rootHash) throw bad("its root is no SHA-256 hash");
  const isSigned = note
    .slice(end + 2)
    .split("\n")
    .some((line) => isSignature(line, body, verifier));
  if (!isSigned) throw bad("no signature by the log's key verifies");
  return { origin, size, rootHash, note };
}

function isSignature(line: string, body: string, verifier: NoteVerifier): boolean {
  const prefix = `— ${verifier.name} `;
  if (!line.startsWith(prefix)) return false;
  const text = line.slice(prefix.length);
  const bytes = Buffer.from(text, "base64");
  // Base64 that decodes with bits to spare is not what was written.
  if (bytes.length !== 68 || bytes.toString("base64") !== text) return false;
  if (!bytes.subarray(0, 4).equals(verifier.keyId)) return false;
  return verify(null, Buffer.from(body), verifier.publicKey, bytes.subarray(4));
}

/** True when a note claims to be signed by this key, whether or not the signature verifies. */
export function noteNames(note: string, verifier: Pick<NoteVerifier, "name" | "keyId">): boolean {
  const prefix = `— ${verifier.name} `;
  return note
    .split("\n")
    .some(
      (line) =>
        line.startsWith(prefix) &&
        Buffer.from(line.slice(prefix.length), "base64").subarray(0, 4).equals(verifier.keyId),
    );
}
