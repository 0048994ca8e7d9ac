// Where agents look for skills, in a project and at home (agentskills client guide; each agent's own manual).
import { join } from "node:path";
import type { SkillProject } from "@pratique/contracts";
import { usageError } from "./run-command.ts";

const PLACES: Readonly<Record<string, string>> = {
  agents: ".agents/skills",
  claude: ".claude/skills",
  codex: ".codex/skills",
  cursor: ".cursor/skills",
  gemini: ".gemini/skills",
  github: ".github/skills",
};
export const AGENT_NAMES = Object.keys(PLACES);

/** The project, or with `isUser` the person's home. */
export function projectOf(
  o: { readonly workingDirectory: string; readonly environment: Readonly<Record<string, string | undefined>> },
  isUser: boolean,
): SkillProject {
  if (!isUser) return { directory: o.workingDirectory, files: o.workingDirectory };
  const home = o.environment["HOME"];
  if (home === undefined || home === "") throw usageError("HOME is not set", "leave --user away, or set it");
  return { directory: home, files: join(home, ".agents") };
}

/** Directories below the base, relative to it. */
export function placesOf(agents: readonly string[]): string[] {
  const chosen = agents.length === 0 ? ["agents"] : agents;
  return [...new Set(chosen)].map((agent) => {
    const place = PLACES[agent];
    if (place === undefined) throw usageError(`--agent is \`${agent}\``, `it can be ${AGENT_NAMES.join(", ")}`);
    return place;
  });
}
