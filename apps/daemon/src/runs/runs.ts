// The desk for runs: starts them and lists them.
import type { Principal, RunRequest, RunStreamEvent, RunSummary } from "@pratique/contracts";
import { allowedOrThrow, type Guard } from "@pratique/guard";
import type { Database } from "@pratique/store";
import { systemResource } from "../artifacts/artifacts.ts";
import { daemonErrors } from "../errors.ts";
import { runAgentArtifact, type RunsOptions } from "./run-agent-artifact.ts";

export class Runs {
  readonly #options: RunsOptions;
  readonly #guard: Guard;
  readonly #database: Database;

  constructor(options: RunsOptions) {
    this.#options = options;
    this.#guard = options.guard;
    this.#database = options.database;
  }

  /** Starts a run. Only a person starts one: a workload that could would escape its own limits. */
  start(principal: Principal, request: RunRequest, signal: AbortSignal): AsyncIterable<RunStreamEvent> {
    if (principal.type !== "User")
      throw daemonErrors(
        "control.unauthorized",
        {},
        { hint: "runs are started by a person's token, not by a workload's" },
      );
    return runAgentArtifact(this.#options, principal, request, signal);
  }

  async list(principal: Principal): Promise<RunSummary[]> {
    return allowedOrThrow(
      await this.#guard.perform({ principal, action: "admin:read", resource: systemResource }, async () =>
        (await this.#database.runs.list(100)).map((row) => ({
          id: row.id,
          agent: row.agent,
          ...(row.agentDigest === null ? {} : { agentDigest: row.agentDigest }),
          ...(row.model === null ? {} : { model: row.model }),
          principal: row.principal,
          status: row.status,
          startedAt: row.startedAt,
          ...(row.endedAt === null ? {} : { endedAt: row.endedAt }),
        })),
      ),
    );
  }
}
