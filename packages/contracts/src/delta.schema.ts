// Deltas between artifacts: layers as their difference from those of another one.
import { z } from "zod";

export const DeltaRequest = z.strictObject({
  /** The artifact that is to be moved, e.g. a fine-tune. */
  reference: z.string().min(1),
  /** The artifact that receivers are likely to have, e.g. what it was tuned from. */
  base: z.string().min(1),
});
export type DeltaRequest = z.infer<typeof DeltaRequest>;

export const DeltaResult = z.strictObject({
  reference: z.string(),
  base: z.string(),
  /** Of the delta's manifest, a referrer of the artifact. */
  digest: z.string(),
  layers: z.array(
    z.strictObject({ target: z.string(), base: z.string(), targetBytes: z.number(), deltaBytes: z.number() }),
  ),
});
export type DeltaResult = z.infer<typeof DeltaResult>;
