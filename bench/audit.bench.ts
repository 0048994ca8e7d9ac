// The audit log: records a second with one and with many concurrent acts, against a bare fsync of the same disk.
import { mkdtemp, open, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openAuditLog, openLogKey } from "@pratique/audit";
import type { RecordBody } from "@pratique/contracts";
import { silentLog, systemClock } from "@pratique/core";
import { openDatabase } from "@pratique/store";
import { printTable } from "./measure.ts";

const directory = await mkdtemp(join(tmpdir(), "prq-bench-"));
const body: RecordBody = {
  principal: {
    type: "Workload",
    id: "spiffe://pratique.local/run/1/agent/root",
    actingFor: "owner",
    artifact: `sha256:${"a".repeat(64)}`,
  },
  action: "tool:call",
  resource: { type: "Tool", id: "harbour/get_weather", digest: `sha256:${"b".repeat(64)}` },
  run: "run-1",
  decision: "allow",
  policies: [{ id: "agents-use-tools", effect: "permit" }],
  policyDigest: `sha256:${"c".repeat(64)}`,
  reason: "policy agents-use-tools allows get_weather",
  outcome: "done",
  durationMs: 3,
  details: { argumentsBytes: 15, argumentsDigest: `sha256:${"d".repeat(64)}`, arguments: { city: "Oslo" } },
};
const entryBytes = Buffer.from(JSON.stringify(body));

async function perSecond(
  total: number,
  concurrent: number,
  act: () => Promise<unknown>,
): Promise<{ rate: number; cpuUs: number }> {
  const cpu = process.cpuUsage();
  const begun = performance.now();
  let left = total;
  await Promise.all(
    Array.from({ length: concurrent }, async () => {
      while (left-- > 0) await act();
    }),
  );
  const seconds = (performance.now() - begun) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  return { rate: total / seconds, cpuUs: (user + system) / total };
}

const file = await open(join(directory, "floor"), "w");
const floor = await perSecond(1000, 1, async () => {
  await file.write(entryBytes);
  await file.datasync();
});
await file.close();

const database = await openDatabase({ file: join(directory, "index.db") });
const key = await openLogKey(join(directory, "log.pem"), "bench.local/log");
const log = await openAuditLog({
  directory: join(directory, "log"),
  key,
  database,
  clock: systemClock,
  log: silentLog,
});
const rows: (string | number)[][] = [["write + fdatasync, bare", 1, floor.rate, 1, floor.cpuUs]];
for (const concurrent of [1, 16, 64, 256]) {
  const { rate, cpuUs } = await perSecond(concurrent === 1 ? 1000 : 10_000, concurrent, () => log.append(body));
  rows.push(["append", concurrent, rate, rate / floor.rate, cpuUs]);
}
printTable(
  "Audit log, every record durable before its act is answered",
  ["what", "concurrent acts", "records/s", "÷ bare fsync", "CPU µs a record"],
  rows,
);

const begun = performance.now();
const report = await log.verify();
printTable("Verification", ["records", "ok", "ms"], [[report.records, String(report.ok), performance.now() - begun]]);
await log.close();
await database.close();
await rm(directory, { recursive: true, force: true });
