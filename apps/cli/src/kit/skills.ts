// Installed skills, as a list.
import { relative } from "node:path";
import type { InstalledSkills } from "@pratique/contracts";
import type { Context } from "./command.ts";
import { shortDigest } from "./words.ts";

type Output = Pick<Context, "terminal" | "json" | "workingDirectory">;

export function printSkills({ terminal, json, workingDirectory }: Output, answer: InstalledSkills, none: string): void {
  if (json) {
    terminal.out(JSON.stringify(answer, null, 2));
    return;
  }
  if (answer.skills.length === 0) terminal.out(none);
  for (const { name, path, digest } of answer.skills) {
    const shown = relative(workingDirectory, path);
    terminal.out(
      `${terminal.paint("good", "✓")} ${name}  ${shortDigest(digest)}  ${shown.startsWith("..") ? path : shown}`,
    );
  }
}
