// Every checkpoint that the log signed, one note after another: what it once said, it cannot unsay.
import { NOTE_LINES } from "./note.ts";

/** The file's name in the log's directory. */
export const CHECKPOINTS = "checkpoints";

/** The notes of a list; `soundBytes` leaves out a last one that is not whole. Pure. */
export function splitNotes(bytes: Buffer): { notes: string[]; soundBytes: number } {
  const notes: string[] = [];
  let from = 0;
  let lines = 0;
  for (let at = bytes.indexOf("\n"); at >= 0; at = bytes.indexOf("\n", at + 1)) {
    lines += 1;
    if (lines % NOTE_LINES !== 0) continue;
    notes.push(bytes.toString("utf8", from, at + 1));
    from = at + 1;
  }
  return { notes, soundBytes: from };
}
