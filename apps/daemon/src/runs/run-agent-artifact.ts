// One run of an agent artifact: admit it and all it names, give it an identity, run the loop, keep what happened.
import { describeError, type Clock, type Log } from "@pratique/core";
import type { RunRequest, RunStreamEvent, UserPrincipal, WorkloadPrincipal } from "@pratique/contracts";
import {
  mcpToolPort,
  onlyTools,
  parseAgentFile,
  runAgent,
  type AgentFile,
  type Skill,
  type ToolPort,
} from "@pratique/agents";
import { allowedOrThrow, type Guard } from "@pratique/guard";
import type { Identity } from "@pratique/identity";
import { readArtifact, readSkillFiles } from "@pratique/packaging";
import type { Database } from "@pratique/store";
import type { Artifacts } from "../artifacts/artifacts.ts";
import type { Found } from "../artifacts/find-artifact.ts";
import { daemonErrors } from "../errors.ts";
import { problemOf } from "../control/problem.ts";
import { admitModel, isAddress, parseUpstream, type Models } from "./models.ts";
import { openRunMembers, type RunMembers } from "./run-members.ts";
import type { PlacedServer, Servers } from "../servers/servers.ts";

const RUN_LIFETIME_MS = 60 * 60 * 1000;

export interface RunsOptions {
  readonly artifacts: Artifacts;
  readonly models: Models;
  readonly servers: Servers;
  readonly identity: Identity;
  readonly guard: Guard;
  readonly database: Database;
  readonly engineName: () => Promise<string>;
  /** The daemon's own address: a run reaches models and tools as any client does. */
  readonly url: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly ids: () => string;
}

/** Runs an agent and yields what happens; always ends with `finished` or `failed`. */
export async function* runAgentArtifact(
  options: RunsOptions,
  principal: UserPrincipal,
  request: RunRequest,
  signal: AbortSignal,
): AsyncGenerator<RunStreamEvent> {
  const run = options.ids();
  const cleanups: (() => Promise<void> | void)[] = [];
  let stored = false;
  try {
    const named = await options.artifacts.find(request.agent);
    if (named.kind !== "agent")
      throw daemonErrors("artifact.wrong-kind", { reference: named.reference, kind: named.kind, wanted: "agent" });
    const members = await openRunMembers(options.artifacts, named);
    const found = members.agent;
    await options.database.runs.insert({
      id: run,
      agent: found.reference,
      agentDigest: found.descriptor.digest,
      model: null,
      principal: principal.id,
      status: "running",
      startedAt: options.clock.now().toISOString(),
      endedAt: null,
      body: runBody(request, [named.descriptor.digest, found.descriptor.digest]),
    });
    stored = true;
    const uses = new Set([named.descriptor.digest, found.descriptor.digest]);
    yield* admitted(options, { principal, request, run, found, members, signal, cleanups, uses });
    await end(options, run, "completed");
  } catch (error) {
    options.log.warn("run failed", { run, ...describeError(error) });
    if (stored) await end(options, run, "failed");
    yield { type: "failed", ...(stored ? { run } : {}), problem: problemOf(error) };
  } finally {
    options.identity.revokeRun(run);
    for (const cleanup of cleanups.toReversed())
      await Promise.resolve(cleanup()).catch((error: unknown) =>
        options.log.warn("run clean-up failed", { run, ...describeError(error) }),
      );
  }
}

interface Admission {
  readonly principal: UserPrincipal;
  readonly request: RunRequest;
  readonly run: string;
  readonly found: Found;
  readonly members: RunMembers;
  readonly signal: AbortSignal;
  readonly cleanups: (() => Promise<void> | void)[];
  /** Digests of what the run has loaded. */
  readonly uses: Set<string>;
}

async function* admitted(options: RunsOptions, admission: Admission): AsyncGenerator<RunStreamEvent> {
  const { artifacts, guard, identity, clock, url } = options;
  const { principal, request, run, found, cleanups, signal } = admission;
  allowedOrThrow(
    await guard.perform(
      { principal, action: "artifact:run", resource: await artifacts.resource(found), run },
      async () => undefined,
    ),
  );
  const info = await readArtifact(found.repository, found.descriptor.digest);
  if (info.kind !== "agent")
    throw daemonErrors("artifact.wrong-kind", { reference: found.reference, kind: info.kind, wanted: "agent" });
  const file = parseAgentFile(info.yaml, found.reference);
  const agent = file.agents.find((entry) => entry.name === file.defaultAgent)!;
  const { principal: workload, token } = identity.issueWorkload({
    path: `run/${run}/agent/${agent.name}`,
    actingFor: principal,
    run,
    artifact: found.descriptor.digest,
    ttlMs: RUN_LIFETIME_MS,
  });
  const model = await chooseModel(options, admission, file, agent.model);
  const skills = await loadSkills(options, admission, workload, agent.skills);
  const tools: ToolPort[] = [];
  cleanups.push(() => options.servers.endRun(run));
  let isolation: string | undefined;
  for (const toolset of agent.toolsets) {
    if (toolset.source === "remote") throw daemonErrors("run.remote-server", { url: toolset.url });
    const place = await placeServer(options, admission, toolset.ref);
    admission.uses.add(place.digest);
    isolation = place.isolated ? "container" : "none";
    const port = await mcpToolPort({ url: `${url}/mcp/${place.name}`, token });
    cleanups.push(() => port.close());
    tools.push(toolset.tools === undefined ? port : onlyTools(port, toolset.tools));
  }
  if (model.digest !== undefined) admission.uses.add(model.digest);
  await options.database.runs.update(run, { model: model.shown, body: runBody(request, admission.uses) });
  yield {
    type: "started",
    run,
    agent: found.reference,
    agentDigest: found.descriptor.digest,
    model: model.shown,
    ...(model.digest === undefined ? {} : { modelDigest: model.digest }),
    ...(model.engine === undefined ? {} : { engine: model.engine }),
    ...(isolation === undefined ? {} : { isolation }),
  };
  const events = runAgent({
    file,
    agent: agent.name,
    prompt: request.prompt,
    model: { baseUrl: `${url}/v1`, token, name: model.name },
    tools,
    skills,
    clock,
    signal,
  });
  for await (const event of events) {
    switch (event.type) {
      case "text":
        yield { type: "text", text: event.text };
        break;
      case "tool-call":
        yield { type: "tool-call", id: event.id, tool: event.tool, arguments: event.arguments };
        break;
      case "tool-result":
        yield {
          type: "tool-result",
          id: event.id,
          tool: event.tool,
          text: event.text,
          isError: event.isError,
          ...(event.decision === undefined ? {} : { decision: event.decision }),
          ...(event.policy === undefined ? {} : { policy: event.policy }),
        };
        break;
      case "usage":
        yield { type: "usage", promptTokens: event.promptTokens, completionTokens: event.completionTokens };
        break;
      case "finished":
        yield { type: "finished", run, answer: event.answer };
        break;
      case "started":
        break;
    }
  }
}

interface ChosenModel {
  /** What the run asks `/v1` for. */
  readonly name: string;
  /** What people see. */
  readonly shown: string;
  readonly digest?: string;
  readonly engine?: string;
}

async function chooseModel(
  options: RunsOptions,
  admission: Admission,
  file: AgentFile,
  model: string,
): Promise<ChosenModel> {
  const { models, guard, artifacts } = options;
  const { request, run, principal, cleanups, members } = admission;
  const definition = file.models[model];
  const wanted = request.model ?? definition?.model ?? model;
  const address =
    request.model !== undefined && isAddress(request.model)
      ? request.model
      : request.model === undefined
        ? definition?.baseUrl
        : undefined;
  if (address !== undefined) {
    const named = request.model === undefined ? `${address}#${encodeURIComponent(definition!.model)}` : address;
    // The key goes only to an address that the person named: an agent's own would let its author collect keys.
    const upstream = await parseUpstream(named, request.model === undefined ? undefined : request.modelKey);
    const name = `run-${run}`;
    models.addUpstream(name, upstream);
    cleanups.push(() => models.removeUpstream(name));
    return { name, shown: `${upstream.baseUrl}#${upstream.model}` };
  }
  const isPinned = members.isLocked && request.model === undefined;
  const found = isPinned ? await members.find("model", wanted) : await models.find(wanted);
  if (found === undefined) throw daemonErrors("run.no-model", { model: wanted });
  await admitModel(guard, artifacts, principal, found, run);
  return {
    name: `${found.repository.name}@${found.descriptor.digest}`,
    shown: found.reference,
    digest: found.descriptor.digest,
    engine: await options.engineName(),
  };
}

async function placeServer(options: RunsOptions, admission: Admission, ref: string): Promise<PlacedServer> {
  const { principal, request, run } = admission;
  const reference = ref.replace(/^docker:/, "");
  const found = await admission.members.find("mcp-server", reference);
  if (found === undefined) throw daemonErrors("run.no-server", { server: reference });
  const name = found.repository.name.replace(/[^a-z0-9]+/g, "-");
  return await options.servers.place(principal, found, { name, allowUnisolated: request.allowUnisolated, run });
}

async function loadSkills(
  options: RunsOptions,
  admission: Admission,
  workload: WorkloadPrincipal,
  names: readonly string[],
): Promise<Skill[]> {
  const skills: Skill[] = [];
  for (const name of names) {
    const found = await admission.members.find("skill", name);
    if (found === undefined || found.kind !== "skill") throw daemonErrors("run.no-skill", { skill: name });
    const resource = await options.artifacts.resource(found);
    allowedOrThrow(
      await options.guard.perform(
        { principal: admission.principal, action: "artifact:run", resource, run: admission.run },
        async () => undefined,
      ),
    );
    const pulled = await options.guard.perform(
      { principal: workload, action: "artifact:pull", resource, run: admission.run },
      () => readSkillFiles(found.repository, found.descriptor.digest),
    );
    admission.uses.add(found.descriptor.digest);
    skills.push(allowedOrThrow(pulled));
  }
  return skills;
}

/** Who asks what runs now, and who takes away what nobody needs, read the digests in it. */
function runBody({ prompt }: RunRequest, uses: Iterable<string>): string {
  return JSON.stringify({ promptBytes: Buffer.byteLength(prompt), uses: [...uses] });
}

async function end(options: RunsOptions, run: string, status: "completed" | "failed"): Promise<void> {
  await options.database.runs.update(run, { status, endedAt: options.clock.now().toISOString() });
}
