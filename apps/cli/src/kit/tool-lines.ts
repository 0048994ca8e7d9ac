// Tools of the gateway as lines on a terminal. What servers say of them is shown on one line, without control characters.
const LINE_LIMIT = 100;
const CONTROL = /[\p{Cc}\p{Cf}]+/gu;

export type ShownTool = Readonly<Record<string, unknown>>;

export function toolName(tool: ShownTool): string {
  return typeof tool["name"] === "string" ? tool["name"] : "";
}

/** The first sentence or line of a description, cut to fit. */
export function firstLine(description: unknown): string {
  if (typeof description !== "string") return "";
  const [line = ""] = description.trim().split(/\r?\n/, 1);
  const plain = line.replaceAll(CONTROL, " ");
  return plain.length <= LINE_LIMIT ? plain : `${plain.slice(0, LINE_LIMIT - 1)}…`;
}
