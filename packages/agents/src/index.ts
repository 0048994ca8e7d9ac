// Agents: definitions, one model turn, the run loop, and where tools and skills come from.
export type { Agent, AgentFile, AgentMetadata, AgentModel, AgentToolset } from "./agent-file.ts";
export { agentErrors } from "./errors.ts";
export { DECISION_META, mcpToolPort, type McpToolPortOptions } from "./mcp-tool-port.ts";
export { parseAgentFile } from "./parse-agent-file.ts";
export { runAgent, type RunAgentOptions, type RunEvent } from "./run-agent.ts";
export { runTurn, type TurnCall, type TurnEvent, type TurnMessage, type TurnOptions } from "./run-turn.ts";
export { skillToolPort, type Skill } from "./skill.ts";
export { onlyTools, type AgentTool, type ToolPort, type ToolResult } from "./tool-port.ts";
