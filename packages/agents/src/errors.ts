// The error codes of agents: definitions and runs.
import { defineErrors } from "@pratique/core";

export const agentErrors = defineErrors({
  "agent.invalid": { status: 400, text: "{file} is not an agent definition: {detail}", hint: "{hint}" },
  "agent.unknown-key": {
    status: 400,
    text: "{file}:{line}: `{path}` is no key of an agent definition",
    hint: "{suggestion}",
  },
  "agent.unsupported-key": {
    status: 400,
    text: "{file}:{line}: `{path}` ({what}) is not supported yet",
    hint: "remove it; Pratique refuses what it would not enforce",
  },
  "agent.unsupported-value": {
    status: 400,
    text: "{file}:{line}: `{path}` has a value that is not supported yet: {detail}",
    hint: "{hint}",
  },
  "agent.unsupported-version": {
    status: 400,
    text: "{file}:{line}: version {version} is not known",
    hint: "versions 0 to 16 of docker-agent's format are read",
  },
  "agent.unknown-agent": { status: 404, text: "{file} defines no agent `{agent}`", hint: "agents in it: {names}" },
  "agent.duplicate-tool": {
    status: 409,
    text: "two tool servers offer a tool `{tool}`",
    hint: "choose with `tools:` in the toolset which of its tools the agent gets",
  },
  "agent.too-many-turns": {
    status: 422,
    text: "the agent asked for tools in {limit} turns and gave no answer",
    hint: "raise max_iterations, or use a larger model",
  },
  "agent.cancelled": { status: 499, text: "the run was cancelled" },
  "agent.model-failed": { status: 502, text: "the model {model} gave no whole answer: {detail}", hint: "ask again" },
  "agent.tools-unreachable": { status: 502, text: "the tool server at {url} cannot be used: {detail}" },
});
