// Reads statements on vulnerabilities in the formats that they come in.
import { readCsaf } from "./read-csaf.ts";
import { readOpenVex } from "./read-openvex.ts";
import type { VexReading } from "./vex-statement.ts";

/** As `cosign attest --type openvex` has it; others write the context of their version. */
export const OPENVEX_PREDICATE = "https://openvex.dev/ns";

export function isVexPredicate(predicateType: string): boolean {
  return predicateType === OPENVEX_PREDICATE || /^https:\/\/openvex\.dev\/ns\/v[\d.]+$/.test(predicateType);
}

/** Undefined when it is none of them. `signer`: who signed it, when somebody did. */
export function readVex(json: unknown, signer?: string): VexReading | undefined {
  return readOpenVex(json, signer) ?? readCsaf(json, signer);
}
