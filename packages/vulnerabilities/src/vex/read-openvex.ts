// Reads OpenVEX 0.0.x and 0.2.0. Whoever wrote it: what is not sound says nothing, and is named.
import { z } from "zod";
import type { IgnoredStatement, VexComponent, VexProduct, VexReading, VexStatement } from "./vex-statement.ts";
import { STATEMENT_LIMIT } from "./vex-statement.ts";

const Text = z.string().max(4096);

const Component = z.looseObject({
  "@id": Text.optional(),
  identifiers: z.looseObject({ purl: Text.optional() }).optional(),
  hashes: z.record(z.string(), z.string()).optional(),
});

/** 0.0.x names products by a text alone. */
const Product = z.union([
  Text.transform((id) => ({ "@id": id, subcomponents: [] as z.infer<typeof Component>[] })),
  Component.extend({
    subcomponents: z
      .array(z.union([Text.transform((id): z.infer<typeof Component> => ({ "@id": id })), Component]))
      .max(10_000)
      .default([]),
  }),
]);

const Statement = z.looseObject({
  "@id": Text.optional(),
  vulnerability: z.union([
    Text.transform((name) => ({ name, aliases: [] as string[] })),
    z.looseObject({ name: Text, aliases: z.array(Text).max(100).default([]) }),
  ]),
  timestamp: Text.optional(),
  last_updated: Text.optional(),
  products: z.array(Product).max(10_000).default([]),
  subcomponents: z.array(Text).max(10_000).default([]),
  status: z.enum(["not_affected", "affected", "fixed", "under_investigation"]),
  status_notes: Text.optional(),
  justification: Text.optional(),
  impact_statement: z.string().optional(),
});

const Document = z.looseObject({
  "@context": z.string().startsWith("https://openvex.dev/ns"),
  "@id": Text,
  author: Text,
  timestamp: Text.optional(),
  last_updated: Text.optional(),
  statements: z.array(z.unknown()).max(STATEMENT_LIMIT),
});

/** Undefined when it is not OpenVEX at all. `signer`: who signed it; without, the document's own word counts. */
export function readOpenVex(json: unknown, signer?: string): VexReading | undefined {
  const document = Document.safeParse(json).data;
  if (document === undefined) return undefined;
  const author = signer === undefined ? document.author : signedBy(signer, document.author);
  const statements: VexStatement[] = [];
  const ignored: IgnoredStatement[] = [];
  for (const [index, item] of document.statements.entries()) {
    const statement = `${document["@id"]}#${index + 1}`;
    const read = Statement.safeParse(item).data;
    if (read === undefined) {
      ignored.push({ statement, reason: "it is not a statement of OpenVEX" });
      continue;
    }
    const times = [read.last_updated, read.timestamp].some((time) => time !== undefined)
      ? [read.last_updated, read.timestamp]
      : [document.last_updated, document.timestamp];
    const time = latest(times);
    if (time === undefined) {
      ignored.push({ statement, reason: "it does not say when it was made" });
      continue;
    }
    if (read.status === "not_affected" && (read.justification ?? read.impact_statement ?? "") === "") {
      ignored.push({ statement, reason: "it says not_affected and does not say why" });
      continue;
    }
    statements.push({
      author,
      statement,
      vulnerabilities: [read.vulnerability.name, ...read.vulnerability.aliases].map((name) => name.toUpperCase()),
      status: read.status,
      justification: read.justification ?? read.impact_statement,
      time,
      expires: expiryIn(read.status_notes),
      products: read.products.map((product) => productOf(product, read.subcomponents)),
    });
  }
  return { statements, ignored };
}

function signedBy(signer: string, author: string): string {
  return signer === author || author === "" ? signer : `${signer} (${author})`;
}

function productOf(product: z.infer<typeof Product>, common: readonly string[]): VexProduct {
  const subcomponents = [...product.subcomponents, ...common.map((id) => ({ "@id": id }))];
  return { ...componentOf(product), subcomponents: subcomponents.map(componentOf) };
}

function componentOf(component: z.infer<typeof Component>): VexComponent {
  const purls = [component["@id"], component.identifiers?.purl].filter((id) => id?.startsWith("pkg:") === true);
  const hash = component.hashes?.["sha-256"];
  return { purls: [...new Set(purls)].map(String), hashes: hash === undefined ? [] : [hash.toLowerCase()] };
}

function latest(times: readonly (string | undefined)[]): string | undefined {
  const known = times.map((time) => Date.parse(time ?? "")).filter((time) => !Number.isNaN(time));
  return known.length === 0 ? undefined : new Date(Math.max(...known)).toISOString();
}

/** OpenVEX has no place for it, and its schema takes no other keys: so it stands in the notes, in this form. */
export function expiryNote(expires: string): string {
  return `expires=${expires}`;
}

function expiryIn(notes: string | undefined): string | undefined {
  const text = /(?:^|\s)expires=(\S+)/.exec(notes ?? "")?.[1];
  const time = text === undefined ? Number.NaN : Date.parse(text);
  if (text === undefined) return undefined;
  // An expiry that cannot be read is one that has passed.
  return Number.isNaN(time) ? new Date(0).toISOString() : new Date(time).toISOString();
}
