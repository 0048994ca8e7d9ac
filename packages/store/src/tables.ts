// The rows of each table, as queries see them.
import type { ApprovalTables } from "./approval-table.ts";
import type { DecisionInputTables } from "./decision-input-table.ts";
import type { GatewayTables } from "./gateway-table.ts";
import type { InventoryTables } from "./inventory-rows.ts";
import type { ClearanceTables } from "./clearance-rows.ts";
import type { ShieldTables } from "./shield-table.ts";
import type { RegistryTables } from "./registry-rows.ts";
import type { SecretTables } from "./secret-rows.ts";

/** One record of the audit log, as the index keeps it. `body` is the record's canonical JSON. */
export interface RecordRow {
  sequence: number;
  id: string;
  time: string;
  principal: string;
  actingFor: string | null;
  action: string;
  resourceType: string;
  resourceId: string;
  digest: string | null;
  run: string | null;
  decision: string;
  outcome: string;
  body: string;
}

/** One run of an agent. `body` is JSON. */
export interface RunRow {
  id: string;
  agent: string;
  agentDigest: string | null;
  model: string | null;
  principal: string;
  status: "running" | "completed" | "failed" | "interrupted";
  startedAt: string;
  endedAt: string | null;
  body: string;
}

/** One MCP server that the gateway was told of. `spec` is JSON. */
export interface ServerRow {
  name: string;
  reference: string | null;
  digest: string | null;
  spec: string;
  addedAt: string;
}

export interface Tables
  extends
    ApprovalTables,
    DecisionInputTables,
    GatewayTables,
    RegistryTables,
    InventoryTables,
    ClearanceTables,
    SecretTables,
    ShieldTables {
  records: RecordRow;
  runs: RunRow;
  servers: ServerRow;
}
