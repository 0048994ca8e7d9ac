// The five legs of the voyage, each through the control API.
import { join } from "node:path";
import type { Client } from "@pratique/client";
import type { AuditRecord, ClearResult, PackResult } from "@pratique/contracts";
import { PratiqueError } from "@pratique/core";
import { cliErrors } from "../errors.ts";
import { followRun, type RunOutcome } from "../kit/follow-run.ts";
import { recordTable } from "../kit/records.ts";
import { refusal } from "../kit/refusal.ts";
import { columns, type Terminal } from "../kit/terminal.ts";
import { counted, shortDigest, size } from "../kit/words.ts";

const CARGO = [
  { directory: "model", reference: "voyage/harbour-model:1.0.0" },
  { directory: "harbour", reference: "voyage/harbour:1.0.0" },
  { directory: "skill/harbour-notes", reference: "voyage/harbour-notes:1.0.0" },
  { directory: "agent", reference: "voyage/agent:1.0.0" },
] as const;
const ROGUE = { directory: "rogue", reference: "voyage/rogue:1.0.0" };
const PROMPT = "Get the weather in Oslo and save it as note log";

export interface Crew {
  readonly client: Client;
  readonly examples: string;
  readonly terminal: Terminal;
  readonly say: (text: string) => void;
  readonly interrupted: AbortSignal;
}

export interface Orders {
  readonly model: string | undefined;
  readonly modelKey: string | undefined;
  readonly prompt: string | undefined;
  readonly allowUnisolated: boolean;
}

/** What the voyage did. */
export interface ShipsLog {
  readonly artifacts: readonly (PackResult & { cleared: boolean })[];
  readonly refused: readonly ClearResult[];
  readonly run: RunOutcome;
  readonly records: readonly AuditRecord[];
  readonly audit: {
    readonly records: number;
    readonly checkpoint: string;
    readonly rootHash: string;
    readonly verified: boolean;
  };
}

/** The voyage; Ctrl-C ends it at once, and not after the leg under way. */
export async function sail(crew: Crew, orders: Orders): Promise<ShipsLog> {
  const { interrupted } = crew;
  interrupted.throwIfAborted();
  const stopped = Promise.withResolvers<never>();
  const stop = () => stopped.reject(interrupted.reason);
  interrupted.addEventListener("abort", stop, { once: true });
  try {
    return await Promise.race([sailOn(crew, orders), stopped.promise]);
  } finally {
    interrupted.removeEventListener("abort", stop);
  }
}

async function sailOn(crew: Crew, orders: Orders): Promise<ShipsLog> {
  const [packed, rogue] = await pack(crew);
  await prove(crew, packed);
  const cleared = await clear(crew, packed);
  const refused = await refuse(crew, rogue);
  const run = await runAgent(crew, orders);
  const account = await takeAccount(crew, run);
  return {
    artifacts: packed.map((artifact, index) => ({ ...artifact, cleared: cleared[index]!.cleared })),
    refused: refused.cleared ? [] : [refused],
    run,
    ...account,
  };
}

function leg(crew: Crew, number: number, name: string, what: string): void {
  crew.say(`\n${crew.terminal.paint("strong", `${number} ${name}`)}  ${crew.terminal.paint("dim", what)}`);
}

const tick = (crew: Crew) => crew.terminal.paint("good", "✓");

async function pack(crew: Crew): Promise<[PackResult[], PackResult]> {
  leg(crew, 1, "Pack", "directories become OCI artifacts in the embedded registry");
  const rows: string[][] = [];
  const results: PackResult[] = [];
  for (const { directory, reference } of [...CARGO, ROGUE]) {
    crew.interrupted.throwIfAborted();
    const result = await crew.client.pack({ directory: join(crew.examples, directory), reference });
    results.push(result);
    rows.push([`  ${tick(crew)} ${result.kind}`, result.reference, shortDigest(result.digest), size(result.sizeBytes)]);
  }
  crew.say(columns(rows));
  return [results.slice(0, CARGO.length), results.at(-1)!];
}

async function prove(crew: Crew, packed: readonly PackResult[]): Promise<void> {
  leg(crew, 2, "Prove", "signature, SBOM and SLSA provenance hang on each as OCI referrers");
  const rows: string[][] = [];
  for (const artifact of packed) {
    crew.interrupted.throwIfAborted();
    await crew.client.sign(artifact.reference);
    const { evidence } = await crew.client.verify(artifact.reference);
    const signed = `signed by ${evidence.signers.map((signer) => signer.name).join(", ")}`;
    rows.push([
      `  ${tick(crew)} ${artifact.kind}`,
      signed,
      `SBOM of ${counted(artifact.components, "component")}`,
      `provenance from ${evidence.provenance?.builder ?? "nobody"}`,
    ]);
  }
  crew.say(columns(rows));
}

async function clear(crew: Crew, packed: readonly PackResult[]): Promise<ClearResult[]> {
  leg(crew, 3, "Clear", "Cedar policies decide over that evidence; the outcome is signed");
  const results: ClearResult[] = [];
  const rows: string[][] = [];
  for (const artifact of packed) {
    crew.interrupted.throwIfAborted();
    const result = await crew.client.clear(artifact.reference);
    if (!result.cleared)
      crew.say(indent(refusal(crew.terminal, `${artifact.reference} is not cleared`, result.decision)));
    else
      rows.push([
        `  ${tick(crew)} ${artifact.kind}`,
        artifact.reference,
        `cleared under policy ${shortDigest(result.decision.policyDigest)}`,
      ]);
    results.push(result);
  }
  crew.say(columns(rows));
  return results;
}

async function refuse(crew: Crew, rogue: PackResult): Promise<ClearResult> {
  const result = await crew.client.clear(rogue.reference);
  if (!result.cleared) crew.say(indent(refusal(crew.terminal, `${rogue.reference} is not cleared`, result.decision)));
  else
    crew.say(`  ${crew.terminal.paint("warn", "!")} ${rogue.reference} was to be refused, but somebody has signed it`);
  return result;
}

async function runAgent(crew: Crew, orders: Orders): Promise<RunOutcome> {
  leg(crew, 4, "Run", "the agent's model decides; its tools answer from isolation, through the gateway");
  const prompt = orders.prompt ?? PROMPT;
  crew.say(`  prompt  ${prompt}`);
  const note = { ...crew.terminal, note: crew.say };
  const events = crew.client.run(
    {
      agent: "voyage/agent:1.0.0",
      prompt,
      allowUnisolated: orders.allowUnisolated,
      ...(orders.model === undefined ? {} : { model: orders.model }),
      ...(orders.modelKey === undefined || orders.modelKey === "" ? {} : { modelKey: orders.modelKey }),
    },
    crew.interrupted,
  );
  const outcome = await followRun(note, events, "show");
  if (outcome.problem === undefined) crew.say(`  answer  ${crew.terminal.paint("strong", outcome.answer)}`);
  else
    crew.say(
      `  ${crew.terminal.paint("bad", "✗")} ${outcome.problem.title} [${outcome.problem.code}]${outcome.problem.hint === undefined ? "" : `\n  try     ${outcome.problem.hint}`}`,
    );
  if (outcome.problem?.status === 403) await sayWhyNotIsolated(crew);
  return outcome;
}

/** A missing container engine is why isolation was refused: policy cannot know what the engine said. */
async function sayWhyNotIsolated(crew: Crew): Promise<void> {
  const { container } = await crew.client.status();
  if (container?.available === false) crew.say(`  engine  ${container.description}`);
}

async function takeAccount(crew: Crew, run: RunOutcome): Promise<Pick<ShipsLog, "records" | "audit">> {
  leg(crew, 5, "Account", "every act left a record in the Merkle log");
  if (run.run === "") {
    if (run.problem === undefined) throw cliErrors("cli.no-run");
    const { code, title: message, hint, status } = run.problem;
    throw new PratiqueError({ code, message, hint, status });
  }
  const records = await crew.client.records({ run: run.run, limit: 200 });
  crew.say(indent(recordTable(crew.terminal, records)));
  const agents = new Set(records.flatMap((record) => record.principal.artifact ?? []));
  const policySets = new Set(records.map((record) => record.policyDigest));
  crew.say(
    `    by agent ${[...agents].map(shortDigest).join(", ")} under policy set ${[...policySets].map(shortDigest).join(", ")}`,
  );
  const report = await crew.client.verifyAudit();
  const bad = report.checks.filter((check) => !check.ok);
  crew.say(
    report.ok
      ? `  ${tick(crew)} ${report.records} records verify: ${report.checks.map((check) => check.name).join(", ")}`
      : `  ${crew.terminal.paint("bad", "✗")} ${bad.map((check) => `${check.name}: ${check.detail}`).join("; ")}`,
  );
  return {
    records,
    audit: {
      records: report.records,
      checkpoint: report.checkpoint.note,
      rootHash: report.checkpoint.rootHash,
      verified: report.ok,
    },
  };
}

function indent(text: string): string {
  return text.replaceAll(/^/gm, "  ");
}
