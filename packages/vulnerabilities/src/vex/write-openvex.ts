// Writes OpenVEX 0.2.0, one document an author and artifact, to which statements are added.
import { z } from "zod";
import { isJsonObject, type JsonObject } from "@pratique/core";
import { expiryNote } from "./read-openvex.ts";

export const OPENVEX_CONTEXT = "https://openvex.dev/ns/v0.2.0";

/** The only reasons that OpenVEX knows (§ Status Justifications). */
export const VEX_JUSTIFICATIONS = [
  "component_not_present",
  "vulnerable_code_not_present",
  "vulnerable_code_not_in_execute_path",
  "vulnerable_code_cannot_be_controlled_by_adversary",
  "inline_mitigations_already_exist",
] as const;

export interface NewVexStatement {
  readonly vulnerability: string;
  readonly aliases: readonly string[];
  readonly status: "not_affected" | "affected" | "fixed" | "under_investigation";
  readonly justification?: (typeof VEX_JUSTIFICATIONS)[number] | undefined;
  /** In words: why it is not affected, or what to do when it is. */
  readonly explanation?: string | undefined;
  /** purl of the image. */
  readonly product: string;
  /** purls of the packages that it is about; none: all in it. */
  readonly subcomponents: readonly string[];
  readonly expires?: string | undefined;
}

export interface VexDocumentParts {
  /** IRI of the document. */
  readonly id: string;
  readonly author: string;
  readonly time: string;
}

const Existing = z.looseObject({
  "@context": z.string(),
  timestamp: z.string(),
  version: z.int().positive(),
  statements: z.array(z.custom<JsonObject>((value) => isJsonObject(value))),
});

/** Adds a statement to the author's document, or begins one. What was said before stays, with its own time. */
export function addVexStatement(
  earlier: JsonObject | undefined,
  statement: NewVexStatement,
  { id, author, time }: VexDocumentParts,
): JsonObject {
  const existing = Existing.safeParse(earlier).data;
  const kept = (existing?.statements ?? []).map((one) => ({ timestamp: existing?.timestamp ?? time, ...one }));
  return {
    "@context": OPENVEX_CONTEXT,
    "@id": id,
    author,
    timestamp: time,
    version: (existing?.version ?? 0) + 1,
    statements: [...kept, statementJson(statement, time)],
  };
}

function statementJson(statement: NewVexStatement, time: string): JsonObject {
  const { vulnerability, aliases, status, justification, explanation, product, subcomponents, expires } = statement;
  return {
    vulnerability: { name: vulnerability, ...(aliases.length === 0 ? {} : { aliases: [...aliases] }) },
    timestamp: time,
    products: [
      {
        "@id": product,
        ...(subcomponents.length === 0 ? {} : { subcomponents: subcomponents.map((purl) => ({ "@id": purl })) }),
      },
    ],
    status,
    ...notes(statement, expires),
    ...(justification === undefined ? {} : { justification }),
    // Its schema takes one of the two.
    ...(status === "not_affected" && justification === undefined && explanation !== undefined
      ? { impact_statement: explanation }
      : {}),
    ...(status === "affected" ? { action_statement: explanation ?? "none known" } : {}),
  };
}

function notes({ status, justification, explanation }: NewVexStatement, expires: string | undefined): JsonObject {
  const isElsewhere = status === "affected" || (status === "not_affected" && justification === undefined);
  const parts = [
    ...(explanation === undefined || isElsewhere ? [] : [explanation]),
    ...(expires === undefined ? [] : [expiryNote(expires)]),
  ];
  return parts.length === 0 ? {} : { status_notes: parts.join(" ") };
}
