// A catalog: a list of servers under one name and version. What a person writes, and what is packed and signed.
import { z } from "zod";
import { ServerEntry } from "./server-entry.schema.ts";

export const CatalogName = z.string().regex(/^[a-z0-9][a-z0-9._-]{0,127}$/);

export const Catalog = z.strictObject({
  name: CatalogName,
  title: z.string().max(200).optional(),
  description: z.string().max(5000).optional(),
  version: z.string().min(1).max(128),
  entries: z.array(ServerEntry).max(20_000).default([]),
  /** What other formats say of the whole list and this one has no word for, by format. */
  other: z.record(z.string(), z.json()).default({}),
});
export type Catalog = z.infer<typeof Catalog>;
