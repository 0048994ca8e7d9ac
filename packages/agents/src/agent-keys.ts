// Every key of docker-agent's schema v16 (agent-schema.json), and which of them Pratique carries out.
// A key that parses and does nothing is worse than an error: what is not carried out is refused by name.

export interface KeyTable {
  /** Carried out. */
  readonly supported: readonly string[];
  /** Known to the format, with what they are; refused. */
  readonly refused: Readonly<Record<string, string>>;
}

function refuse(groups: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(groups).flatMap(([what, keys]) => keys.split(" ").map((key) => [key, what])),
  );
}

export const KEYS = {
  file: {
    supported: ["version", "metadata", "models", "agents"],
    refused: refuse({
      "model providers": "providers",
      "named MCP servers": "mcps",
      retrieval: "rag",
      "named toolsets": "toolsets",
      commands: "commands",
      "named skills": "skills",
      "tool permissions": "permissions",
      "run-time defaults": "runtime",
      "spending limits": "budget budgets",
      evaluators: "evaluators",
      "variants of the file": "flavors",
      "environment of version 1, gone since version 2": "env",
    }),
  },
  metadata: { supported: ["author", "license", "description", "readme", "version", "tags"], refused: {} },
  model: {
    supported: [
      "provider",
      "model",
      "base_url",
      "description",
      "temperature",
      "max_tokens",
      "top_p",
      "frequency_penalty",
      "presence_penalty",
    ],
    refused: refuse({
      "parallel calls": "parallel_tool_calls",
      "key from the environment": "token_key auth",
      "model gateways": "bypass_models_gateway",
      "options of a provider": "provider_opts",
      "usage tracking": "track_usage",
      thinking: "thinking_budget task_budget",
      "choice between models": "routing first_available",
      "models for other tasks": "title_model compaction_model compaction_threshold",
      "declared capabilities": "capabilities output_capabilities",
      prices: "cost",
      "provider kind of version 0, now `provider`": "type",
      "environment of version 1, gone since version 2": "env",
    }),
  },
  agent: {
    supported: ["model", "description", "welcome_message", "instruction", "toolsets", "skills", "max_iterations"],
    refused: refuse({
      "other models on failure": "fallback",
      "instruction from a file": "instruction_file",
      "foreign agents": "harness",
      "tools as code": "code_mode_tools",
      delegation: "sub_agents handoffs force_handoff routing",
      "additions to the prompt":
        "add_date add_environment_info add_prompt_files add_prompt_files_depth add_description_parameter",
      "safety modes": "readonly safety redact_secrets",
      "spending limits": "budgets",
      "limits of calls and history":
        "max_consecutive_tool_calls max_old_tool_call_tokens max_tool_result_tokens num_history_items",
      "session compaction": "session_compaction compaction_threshold compaction_model",
      commands: "commands use_commands",
      "structured output": "structured_output",
      hooks: "hooks",
      "answer cache": "cache",
      "named skills and toolsets": "use_skills use_toolsets",
      "retrieval of versions 2 to 15": "rag",
      "toolset of version 0, now under `toolsets`": "think todo memory",
    }),
  },
  toolset: {
    supported: ["type", "ref", "remote", "tools"],
    refused: refuse({
      "additions to the prompt": "instruction",
      "shorter results": "toon max_output_bytes escape_html",
      "restrictions of a toolset":
        "readonly ignore_vcs allow_list deny_list timeout allowed_domains blocked_domains allow_private_ips file_types allowed_servers blocked_servers",
      "a model of its own": "model models",
      "tools on demand": "defer",
      "server settings": "config name version working_dir lifecycle",
      "a local process": "command args env sudo_askpass",
      "settings of other toolset types":
        "shared path shell post_edit api_config webhook_config rag_config recall url headers",
      "environment file of version 1, gone since version 2": "env_file",
    }),
  },
  remote: {
    supported: ["url", "transport_type", "headers"],
    refused: refuse({ "sign-in to the server": "oauth" }),
  },
  skill: {
    supported: ["name", "description", "instructions"],
    refused: refuse({ "skills in a session of their own": "context model allowed_tools toolsets" }),
  },
} as const satisfies Readonly<Record<string, KeyTable>>;

/** Toolset types of schema v16 and of older ones. */
export const TOOLSET_TYPES: readonly string[] =
  "mcp mcp_catalog script think memory filesystem file shell background_jobs tasks plan session_context todo fetch api a2a lsp user_prompt openapi open_url model_picker background_agents scheduler rag git webhook environment sandbox session_plan".split(
    " ",
  );

/** The known name that is nearest to a misspelt one, if any is near. */
export function nearest(name: string, known: readonly string[]): string | undefined {
  const limit = Math.max(1, Math.floor(name.length / 3));
  const ranked = known
    .map((candidate) => ({ candidate, distance: editDistance(name.toLowerCase(), candidate) }))
    .sort((a, b) => a.distance - b.distance);
  const best = ranked[0];
  return best !== undefined && best.distance <= limit ? best.candidate : undefined;
}

/** Levenshtein, with a swap of neighbours as one step. */
function editDistance(left: string, right: string): number {
  if (Math.abs(left.length - right.length) > 8) return 99;
  const rows = [Array.from({ length: right.length + 1 }, (_, index) => index)];
  for (let i = 1; i <= left.length; i += 1) {
    const row = [i];
    for (let j = 1; j <= right.length; j += 1) {
      const cost = left[i - 1] === right[j - 1] ? 0 : 1;
      let best = Math.min(rows[i - 1]![j]! + 1, row[j - 1]! + 1, rows[i - 1]![j - 1]! + cost);
      if (i > 1 && j > 1 && left[i - 1] === right[j - 2] && left[i - 2] === right[j - 1])
        best = Math.min(best, rows[i - 2]![j - 2]! + 1);
      row.push(best);
    }
    rows.push(row);
  }
  return rows[left.length]![right.length]!;
}
