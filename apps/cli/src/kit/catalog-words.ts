// How catalogs and what changes in them read on screen.
import { isAbsolute, resolve } from "node:path";
import type { CatalogEditResult, CatalogReviewResult } from "@pratique/contracts";
import { columns, type Terminal, type Tone } from "./terminal.ts";
import { counted } from "./words.ts";

/** What begins like a path is one; everything else is a reference. */
export function placeOf(text: string, workingDirectory: string): string {
  return isAbsolute(text) || /^\.{1,2}(?:\/|$)/.test(text) ? resolve(workingDirectory, text) : text;
}

export function showEdit(terminal: Terminal, edit: CatalogEditResult): void {
  for (const name of edit.added.slice(0, 20)) terminal.out(`${terminal.paint("good", "+")} ${name}`);
  for (const name of edit.changed.slice(0, 20)) terminal.out(`${terminal.paint("warn", "~")} ${name}`);
  const more = Math.max(0, edit.added.length - 20) + Math.max(0, edit.changed.length - 20);
  if (more > 0) terminal.out(terminal.paint("dim", `  … and ${more} more`));
  terminal.note(`  ${edit.file}: ${counted(edit.entries, "server")}`);
  for (const note of edit.notes) terminal.note(`  note: ${note}`);
}

const EFFECTS: Readonly<Record<CatalogReviewResult["changes"][number]["effect"], readonly [Tone, string]>> = {
  widens: ["bad", "+"],
  narrows: ["good", "-"],
  neutral: ["dim", "~"],
};

export function showReview(terminal: Terminal, review: CatalogReviewResult, shown: number): void {
  const { from, to, changes, problems } = review;
  terminal.out(
    `${from === undefined ? "nothing was published" : `${from.name} ${from.version}`} → ${to.name} ${to.version}`,
  );
  if (changes.length === 0) terminal.out(`${terminal.paint("good", "✓")} nothing differs`);
  const rows = changes.slice(0, shown).map(({ entry, effect, kind, what }) => {
    const [tone, sign] = EFFECTS[effect];
    return [`  ${terminal.paint(tone, sign)} ${entry}`, kind, what];
  });
  if (rows.length > 0) terminal.out(columns(rows));
  if (changes.length > shown) terminal.out(terminal.paint("dim", `  … and ${changes.length - shown} more (--all)`));
  for (const { entry, problem } of problems.slice(0, 5)) terminal.note(`  ${entry}: ${problem}`);
  if (problems.length > 5) terminal.note(`  … and ${problems.length - 5} more that cannot be published`);
}
