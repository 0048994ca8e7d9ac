// Skills as tools: the model reads one when it needs it (progressive disclosure, agentskills specification).
import type { JsonObject } from "@pratique/core";
import type { ToolPort, ToolResult } from "./tool-port.ts";

export interface Skill {
  readonly name: string;
  readonly description: string;
  /** SKILL.md without its frontmatter. */
  readonly body: string;
  /** Its other files: path in the skill → text. */
  readonly files: Readonly<Record<string, string>>;
}

export const READ_SKILL = "read_skill";
export const READ_SKILL_FILE = "read_skill_file";

const NAME = { type: "string", description: "Name of the skill" };

/**
 * Offers skills through two tools. The list of skills stands in their descriptions and not in the system prompt, which
 * belongs to the agent's author.
 */
export function skillToolPort(skills: readonly Skill[]): ToolPort {
  const list = skills.map((skill) => `- ${skill.name}: ${skill.description}`).join("\n");
  const answer = (text: string, isError = false): ToolResult => ({ text, isError });
  const names = () => skills.map((skill) => skill.name).join(", ");

  const read = (args: JsonObject): ToolResult => {
    const skill = skills.find((candidate) => candidate.name === args["name"]);
    if (skill === undefined) return answer(`there is no such skill; skills: ${names()}`, true);
    const files = Object.keys(skill.files).sort();
    return answer(files.length === 0 ? skill.body : `${skill.body}\n\nFiles of this skill: ${files.join(", ")}`);
  };
  const readFile = (args: JsonObject): ToolResult => {
    const skill = skills.find((candidate) => candidate.name === args["name"]);
    if (skill === undefined) return answer(`there is no such skill; skills: ${names()}`, true);
    const path = typeof args["path"] === "string" ? args["path"] : "";
    if (Object.hasOwn(skill.files, path)) return answer(skill.files[path] ?? "");
    return answer(
      `${skill.name} has no such file; files: ${Object.keys(skill.files).sort().join(", ") || "none"}`,
      true,
    );
  };

  return {
    list: async () => [
      {
        name: READ_SKILL,
        description: `Read the instructions of a skill before you do what it is for. Skills:\n${list}`,
        inputSchema: { type: "object", properties: { name: NAME }, required: ["name"] },
      },
      {
        name: READ_SKILL_FILE,
        description: "Read a file that the instructions of a skill refer to.",
        inputSchema: {
          type: "object",
          properties: { name: NAME, path: { type: "string", description: "Path inside the skill" } },
          required: ["name", "path"],
        },
      },
    ],
    call: async (name, args) => (name === READ_SKILL ? read(args) : readFile(args)),
    close: async () => undefined,
  };
}
