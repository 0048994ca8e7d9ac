// Following records over HTTP: who may not, and what makes no sense, hears why.
import type { AuditLog } from "@pratique/audit";
import { AuditRecord, type Principal, type RecordBody } from "@pratique/contracts";
import { silentLog, systemClock } from "@pratique/core";
import { createGuard } from "@pratique/guard";
import { afterEach, beforeEach, expect, it } from "vitest";
import { join } from "node:path";
import { installationDirectory } from "../installation.ts";
import { listen, type Listener } from "../listener.ts";
import { readPolicySet } from "../policy-files.ts";
import { Account } from "./account.ts";
import { follow } from "./operation.ts";
import { createControlApi } from "./router.ts";

const owner: Principal = { type: "User", id: "user-1", name: "olga", groups: ["owner"] };
const workload: Principal = {
  type: "Workload",
  id: "spiffe://pratique.local/run/1/agent/root",
  groups: [],
  actingFor: { type: "User", id: "user-1", name: "olga", groups: ["owner"] },
};

let listener: Listener;
let principal: Principal;

beforeEach(async () => {
  const append = async (body: RecordBody): Promise<AuditRecord> => ({
    ...body,
    version: 1,
    id: "r",
    sequence: 0,
    time: "2026-01-01T00:00:00Z",
  });
  const policies = await readPolicySet(join(installationDirectory(), "policies"));
  const guard = createGuard({ policy: () => policies, audit: { append }, clock: systemClock, log: silentLog });
  // An empty log is all that is followed here.
  const audit = { size: () => 0, find: async () => [] } as unknown as AuditLog;
  const account = new Account(audit, guard);
  const operation = follow("/records/follow", "Follow", AuditRecord, ({ principal, query, signal }) =>
    account.follow(principal, query, signal),
  );
  const control = createControlApi([operation], "0", silentLog);
  listener = await listen("127.0.0.1:0", silentLog);
  listener.serve((req, res, url) => control(req, res, url, principal));
});
afterEach(() => listener.close());

it("says 403 and why to an agent", async () => {
  principal = workload;
  const answer = await fetch(`${listener.url}/control/v1/records/follow`);
  expect([answer.status, await answer.json()]).toMatchObject([403, { code: "policy.denied" }]);
});

it("says 400 to a number that is none, and 200 before there is a record", async () => {
  principal = owner;
  const wrong = await fetch(`${listener.url}/control/v1/records/follow?after=x`);
  expect([wrong.status, await wrong.json()]).toMatchObject([400, { code: "control.bad-request" }]);
  const gone = new AbortController();
  const answer = await fetch(`${listener.url}/control/v1/records/follow`, { signal: gone.signal });
  expect(answer.status).toBe(200);
  gone.abort();
});
