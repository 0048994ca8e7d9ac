// The media types of the agentskills format.

export const SKILL_MEDIA_TYPES = {
  artifact: "application/vnd.agentskills.skill.v1",
  config: "application/vnd.agentskills.skill.config.v1+json",
  content: "application/vnd.agentskills.skill.content.v1.tar+gzip",
} as const;

/** Limits that readers of the format set (ToolHive). */
export const SKILL_LIMITS = { kind: "skill", maxFiles: 1000, maxBytes: 95 * 1024 * 1024 } as const;
