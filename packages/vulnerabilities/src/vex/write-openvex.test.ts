// Documents that we write: what was said stays as it was said.
import { describe, expect, it } from "vitest";
import { readVex } from "./read-vex.ts";
import { addVexStatement, type NewVexStatement } from "./write-openvex.ts";

const PARTS = { id: "https://openvex.dev/docs/public/x", author: "Jane", time: "2026-11-24T00:00:00Z" };
const STATEMENT: NewVexStatement = {
  vulnerability: "CVE-2026-1",
  aliases: ["GHSA-1"],
  status: "not_affected",
  justification: "component_not_present",
  product: "pkg:oci/weather",
  subcomponents: ["pkg:npm/left-pad"],
  expires: "2027-01-01T00:00:00.000Z",
};

describe("a document", () => {
  it("reads as it was written", () => {
    const json = addVexStatement(undefined, STATEMENT, PARTS);
    expect(readVex(json)?.statements).toEqual([
      {
        author: "Jane",
        statement: "https://openvex.dev/docs/public/x#1",
        vulnerabilities: ["CVE-2026-1", "GHSA-1"],
        status: "not_affected",
        justification: "component_not_present",
        time: "2026-11-24T00:00:00.000Z",
        expires: "2027-01-01T00:00:00.000Z",
        products: [
          { purls: ["pkg:oci/weather"], hashes: [], subcomponents: [{ purls: ["pkg:npm/left-pad"], hashes: [] }] },
        ],
      },
    ]);
  });

  it("keeps the time of earlier statements when one is added", () => {
    const first = addVexStatement(undefined, STATEMENT, PARTS);
    delete (first["statements"] as Record<string, unknown>[])[0]!["timestamp"];
    const second = addVexStatement(
      first,
      { ...STATEMENT, status: "fixed" },
      { ...PARTS, time: "2026-12-01T00:00:00Z" },
    );
    expect(second).toMatchObject({ version: 2, timestamp: "2026-12-01T00:00:00Z" });
    expect(readVex(second)?.statements.map(({ time, status }) => [time.slice(0, 10), status])).toEqual([
      ["2026-11-24", "not_affected"],
      ["2026-12-01", "fixed"],
    ]);
  });

  it("has what the schema wants of each status, and one reason only", () => {
    const of = (statement: Partial<NewVexStatement>) =>
      (
        addVexStatement(undefined, { ...STATEMENT, expires: undefined, ...statement }, PARTS)["statements"] as object[]
      )[0]!;
    const words = { justification: undefined, explanation: "it is never called" };
    expect(of(words)).toMatchObject({ impact_statement: "it is never called" });
    expect(of(words)).not.toHaveProperty("justification");
    expect(of({ explanation: "and so on" })).not.toHaveProperty("impact_statement");
    expect(of({ explanation: "and so on" })).toMatchObject({ status_notes: "and so on" });
    expect(of({ status: "affected", justification: undefined })).toMatchObject({ action_statement: "none known" });
  });
});
