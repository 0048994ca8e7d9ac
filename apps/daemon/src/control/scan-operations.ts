// The control API's operations on what is known against artifacts.
import { ScanRequest, ScanResult, VexAddRequest, VexAddResult, WhereUsedResult } from "@pratique/contracts";
import { z } from "zod";
import { daemonErrors } from "../errors.ts";
import type { ScanDesk } from "../vulnerabilities/scan-desk.ts";
import type { VexDesk } from "../vulnerabilities/vex-desk.ts";
import type { WhereUsedDesk } from "../vulnerabilities/where-used-desk.ts";
import { get, post, type Operation } from "./operation.ts";

export interface ScanDesks {
  readonly scans: ScanDesk;
  readonly whereUsed: WhereUsedDesk;
  readonly vex: VexDesk;
}

export function scanOperations(desks: ScanDesks): Operation[] {
  return [
    post(
      "/vulnerabilities/scan",
      "Say what is known against an artifact, or against what a bill of materials lists",
      ScanRequest,
      ScanResult,
      ({ principal, body }) => desks.scans.scan(principal, body),
    ),
    post(
      "/vulnerabilities/scan/sarif",
      "The same as SARIF 2.1.0",
      ScanRequest,
      z.looseObject({}),
      ({ principal, body }) => desks.scans.sarif(principal, body),
    ),
    get(
      "/vulnerabilities/where-used",
      "Find what has a package or a vulnerability, and what runs from it",
      WhereUsedResult,
      ({ principal, query }) => {
        const text = query.get("query") ?? "";
        if (text === "" || text.length > 2048)
          throw daemonErrors("control.bad-request", { problem: "query is missing" });
        return desks.whereUsed.find(principal, text);
      },
      { query: "A package, a purl or the id of a vulnerability" },
    ),
    post(
      "/vulnerabilities/vex",
      "State that a vulnerability does not matter in an artifact, or does",
      VexAddRequest,
      VexAddResult,
      ({ principal, body }) => desks.vex.add(principal, body),
    ),
  ];
}
