// kill -9 at random points of the voyage: nothing acknowledged is lost, the log verifies, no half artifact is visible.
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { Client } from "@pratique/client";
import { isPratiqueError } from "@pratique/core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { EXAMPLES, startDaemon, temporaryHome, type Daemon } from "../support/program.ts";

/** 50 and more by hand: `FAULT_KILLS=50`. */
const KILLS = Number(process.env["FAULT_KILLS"] ?? 10);
const CARGO = [
  ["model", "voyage/harbour-model"],
  ["harbour", "voyage/harbour"],
  ["skill/harbour-notes", "voyage/harbour-notes"],
  ["agent", "voyage/agent"],
] as const;
const SIGNED = ["https://sigstore.dev/cosign/sign/v1", "https://slsa.dev/verification_summary/v1"];
const PROMPT = "Get the weather in Oslo and save it as note log";

/** What the daemon acknowledged before it was killed. */
interface Acknowledged {
  readonly packed: Map<string, string>;
  readonly signed: Set<string>;
  readonly cleared: Set<string>;
  readonly toolCalls: { run: string; tool: string; decision: string }[];
}

/** A small generator, so that a failing sequence can be run again. */
function randomNumbers(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

async function voyage(client: Client, tag: string, known: Acknowledged): Promise<void> {
  for (const [directory, repository] of CARGO) {
    const reference = `${repository}:${tag}`;
    const { digest } = await client.pack({ directory: join(EXAMPLES, directory), reference });
    known.packed.set(reference, digest);
    await client.sign(reference);
    known.signed.add(reference);
    if ((await client.clear(reference)).cleared) known.cleared.add(reference);
  }
  let run = "";
  for await (const event of client.run({ agent: `voyage/agent:${tag}`, prompt: PROMPT, allowUnisolated: false })) {
    if (event.type === "started") run = event.run;
    if (event.type === "tool-result") known.toolCalls.push({ run, tool: event.tool, decision: event.decision ?? "" });
  }
}

/** Digests of signatures and clearances that records of acts name. */
async function recordedSignatures(client: Client): Promise<Set<string>> {
  const told = new Set<string>();
  for (const [action, detail] of [
    ["artifact:sign", "signature"],
    ["artifact:clear", "clearance"],
  ] as const) {
    for (const { details } of await client.records({ action, limit: 1000 })) {
      const digest = details?.[detail];
      if (typeof digest === "string") told.add(digest);
    }
  }
  return told;
}

async function check(client: Client, known: Acknowledged): Promise<void> {
  const report = await client.verifyAudit();
  expect(report.checks.filter((entry) => !entry.ok)).toEqual([]);
  const artifacts = new Map(
    (await client.artifacts()).map((artifact) => [artifact.reference.replace(/^[^/]+\//, ""), artifact]),
  );
  for (const [reference, digest] of known.packed)
    expect([reference, artifacts.get(reference)?.digest]).toEqual([reference, digest]);
  for (const reference of known.signed)
    expect([reference, artifacts.get(reference)?.signed]).toEqual([reference, true]);
  for (const reference of known.cleared)
    expect([reference, artifacts.get(reference)?.cleared]).toEqual([reference, true]);
  const told = await recordedSignatures(client);
  for (const reference of artifacts.keys()) {
    const { evidence, referrers } = await client.inspect(reference);
    // Neither a signature nor a clearance stands that no record tells of.
    const isUntold = ({ digest, predicateType = "" }: (typeof referrers)[number]): boolean =>
      SIGNED.includes(predicateType) && !told.has(digest);
    expect([reference, referrers.filter(isUntold)]).toEqual([reference, []]);
    // Whatever is visible is whole: its SBOM and provenance are there, and nothing of its evidence is broken.
    expect([reference, evidence.rejected, evidence.sbom === undefined, evidence.provenance === undefined]).toEqual([
      reference,
      [],
      false,
      false,
    ]);
  }
  for (const call of known.toolCalls) {
    const records = await client.records({ run: call.run, action: "tool:call" });
    expect(records.some((record) => record.resource.id.endsWith(call.tool) && record.decision === call.decision)).toBe(
      true,
    );
  }
  const running = (await client.runs()).filter((run) => run.status === "running");
  expect(running).toEqual([]);
}

let place: Awaited<ReturnType<typeof temporaryHome>>;
let daemon: Daemon | undefined;
beforeAll(async () => void (place = await temporaryHome()));
afterAll(async () => {
  await daemon?.stop();
  await place.remove();
});

it(
  `survives ${KILLS} kills`,
  async () => {
    const seed = Number(process.env["FAULT_SEED"] ?? Date.now() % 1_000_000);
    const random = randomNumbers(seed);
    const known: Acknowledged = { packed: new Map(), signed: new Set(), cleared: new Set(), toolCalls: [] };
    daemon = await startDaemon(place.home);
    const begun = Date.now();
    await voyage(daemon.client, "1.0.0", known);
    const wholeMs = Date.now() - begun;
    for (let kill = 0; kill < KILLS; kill++) {
      const at = Math.floor(random() * wholeMs * 1.1);
      const sailing = voyage(daemon.client, "1.0.0", known).catch((error: unknown) => {
        // The connection ends with the daemon; anything else is a finding.
        if (!isPratiqueError(error, "daemon.unreachable") && !isPratiqueError(error, "daemon.connection-lost"))
          throw error;
      });
      await delay(at);
      await daemon.kill();
      await sailing;
      daemon = await startDaemon(place.home);
      await check(daemon.client, known).catch((error: unknown) => {
        throw new Error(`after kill ${kill + 1} at ${at} ms (FAULT_SEED=${seed}): ${String(error)}`, { cause: error });
      });
    }
  },
  12 * 60_000,
);
