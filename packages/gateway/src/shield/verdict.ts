// Compares what a server says now with what was approved: pure.
import type { DriftConfig, EntryTool, TextFinding } from "@pratique/contracts";
import type { Json, JsonObject } from "@pratique/core";
import { differenceLines } from "./difference.ts";
import { isSameTool, type Pin, type ServerWords } from "./pin.ts";
import { textFindings, toolFindings } from "./text-findings.ts";

export type DriftRules = Pick<DriftConfig, "firstUse" | "change" | "findings">;

export interface Baseline {
  readonly pin: Pin | undefined;
  /** What the catalog lists, where it lists tools. */
  readonly catalog: { readonly origin: string; readonly tools: readonly EntryTool[] } | undefined;
}

interface ToolVerdict {
  readonly name: string;
  readonly state: "same" | "new" | "changed" | "removed";
  /** Why it is held back; undefined: it is not. */
  readonly held: string | undefined;
  readonly findings: readonly TextFinding[];
  readonly was: JsonObject | undefined;
}

export interface Verdict {
  readonly baseline: "none" | "first-use" | "person" | "catalog";
  /** Why all of it is held back. */
  readonly held: string | undefined;
  readonly lines: readonly string[];
  readonly findings: readonly TextFinding[];
  readonly tools: readonly ToolVerdict[];
  /** Tools that are taken as they are, now that they were first seen. */
  readonly trusted: readonly string[];
}

export function judge(
  words: ServerWords,
  { pin, catalog }: Baseline,
  rules: DriftRules,
  others: ReadonlySet<string>,
): Verdict {
  // What nobody approved counts for nothing where a catalog says what the server is.
  const counted = catalog !== undefined && pin?.baseline === "first-use" ? undefined : pin;
  // Yet what the catalog does not say of a server stays as it was first seen.
  const first = catalog !== undefined && pin?.baseline === "first-use" ? pin : undefined;
  const baseline = counted?.baseline ?? (catalog === undefined ? "none" : "catalog");
  const isOpen = rules.firstUse === "trust" && catalog === undefined && counted?.baseline !== "person";
  const trusted: string[] = [];
  const tools = Object.entries(words.tools).map(([name, tool]): ToolVerdict => {
    const findings = toolFindings(tool, others);
    const isSeenFirst = first !== undefined && Object.hasOwn(first.tools, name);
    const was = approvedTool(name, tool, counted, catalog, isSeenFirst ? first.tools[name] : undefined);
    const isApproved = was !== undefined && isSameTool(tool, was);
    const isPoisoned = rules.findings === "hold" && findings.some(({ severity }) => severity === "high");
    const isSeen = counted?.baseline === "person" && isApproved;
    const base = { name, findings, was } as const;
    if (isPoisoned && !isSeen)
      return {
        ...base,
        state: was === undefined ? "new" : isApproved ? "same" : "changed",
        held: `its text holds ${findings[0]?.detail}`,
      };
    if (isApproved) {
      if (catalog !== undefined && counted === undefined && !isSeenFirst) trusted.push(name);
      return { ...base, state: "same", held: undefined };
    }
    if (was !== undefined)
      return { ...base, state: "changed", held: rules.change === "hold" ? "it is not what was approved" : undefined };
    if (isOpen) {
      trusted.push(name);
      return { ...base, state: "same", held: undefined };
    }
    const isHeld = counted === undefined && catalog === undefined ? true : rules.change === "hold";
    return { ...base, state: "new", held: isHeld ? "nobody has approved it yet" : undefined };
  });
  const known = counted === undefined ? (catalog?.tools ?? []).map(({ name }) => name) : Object.keys(counted.tools);
  const removed = known
    .filter((name) => !Object.hasOwn(words.tools, name))
    .map((name): ToolVerdict => ({ name, state: "removed", held: undefined, findings: [], was: counted?.tools[name] }));
  return {
    baseline,
    ...serverVerdict(words, counted ?? first, catalog !== undefined, rules),
    tools: [...tools, ...removed],
    trusted,
  };
}

function serverVerdict(
  words: ServerWords,
  pin: Pin | undefined,
  isListed: boolean,
  rules: DriftRules,
): Pick<Verdict, "held" | "lines" | "findings"> {
  const findings = textFindings(words.instructions ?? "", "instructions");
  const isSame = pin !== undefined && pin.instructions === words.instructions;
  const isPoisoned = rules.findings === "hold" && findings.some(({ severity }) => severity === "high");
  if (pin === undefined) {
    return { held: isPoisoned ? `its instructions hold ${findings[0]?.detail}` : undefined, lines: [], findings };
  }
  // Where a catalog lists the server, the catalog says which image it is.
  const image = isListed ? [] : differenceLines(pin.image, words.image, "image");
  const instructions = differenceLines(pin.instructions, words.instructions, "instructions");
  const lines = [...image, ...instructions];
  const reason =
    image.length > 0 ? "it runs from another image than was approved" : "its instructions are not what was approved";
  if (isPoisoned && !(isSame && pin.baseline === "person"))
    return { held: `its instructions hold ${findings[0]?.detail}`, lines, findings };
  return { held: lines.length > 0 && rules.change === "hold" ? reason : undefined, lines, findings };
}

/** What the tool is compared with: what a person approved, else what the catalog lists. */
function approvedTool(
  name: string,
  tool: JsonObject,
  pin: Pin | undefined,
  catalog: Baseline["catalog"],
  first: JsonObject | undefined,
): JsonObject | undefined {
  const pinned = pin !== undefined && Object.hasOwn(pin.tools, name) ? pin.tools[name] : undefined;
  if (pinned !== undefined && isSameTool(pinned, tool)) return pinned;
  const listed = catalog?.tools.find((one) => one.name === name);
  return listed === undefined ? pinned : listedAs(listed, first ?? tool);
}

/** The tool as it would be, were it as the catalog lists it. What the catalog does not say stays as the server first said it. */
function listedAs(
  { description, inputSchema, annotations, title, outputSchema }: EntryTool,
  tool: JsonObject,
): JsonObject {
  return {
    ...tool,
    ...(description === undefined || isSameText(description, tool["description"]) ? {} : { description }),
    ...(inputSchema === undefined ? {} : { inputSchema }),
    ...(annotations === undefined ? {} : { annotations }),
    ...(title === undefined ? {} : { title }),
    ...(outputSchema === undefined ? {} : { outputSchema }),
  };
}

/** Catalogs fold lines and trim ends. */
function isSameText(listed: string, said: Json | undefined): boolean {
  return typeof said === "string" && listed.trim().replace(/\s+/g, " ") === said.trim().replace(/\s+/g, " ");
}
