// Bills of materials, and what differs between two artifacts.
import { isJsonObject, type JsonObject } from "@pratique/core";
import { z } from "zod";
import { Kind } from "./kind.schema.ts";

export const SbomFormatName = z.enum(["cyclonedx-1.6", "cyclonedx-1.7", "spdx-2.3", "spdx-3.0"]);
export type SbomFormatName = z.infer<typeof SbomFormatName>;

const Platform = z.string().regex(/^[a-z0-9]{1,32}\/[a-z0-9]{1,32}(?:\/[a-z0-9]{1,32})?$/);

export const SbomRequest = z.strictObject({
  reference: z.string().min(1),
  format: SbomFormatName.default("cyclonedx-1.6"),
  /** Of an index, e.g. `linux/arm64`; by default that of the daemon's machine. */
  platform: Platform.optional(),
  /** Hang it, signed, on the artifact. */
  attest: z.boolean().default(false),
  /** Look anew, whatever is attested already. */
  fresh: z.boolean().default(false),
});
export type SbomRequest = z.input<typeof SbomRequest>;

/** `attested`: as somebody trusted signed it. `converted`: the same in another format. `generated`: found by looking. */
export const SbomOrigin = z.enum(["attested", "converted", "generated"]);
export type SbomOrigin = z.infer<typeof SbomOrigin>;

export const SbomResult = z.strictObject({
  reference: z.string(),
  digest: z.string(),
  kind: Kind,
  format: SbomFormatName,
  origin: SbomOrigin,
  /** Who signed it, unless it was generated. */
  signer: z.string().optional(),
  /** Digest of the referrer that it was read from. */
  attestation: z.string().optional(),
  /** Digest of the referrer that it was attached as, when that was asked for. */
  attached: z.string().optional(),
  components: z.int(),
  licences: z.strictObject({
    declared: z.string().optional(),
    expressions: z.array(z.strictObject({ expression: z.string(), components: z.int() })),
    undeclared: z.int(),
  }),
  /** What is in the artifact and could not be read. */
  unread: z.array(z.strictObject({ path: z.string(), reason: z.string() })),
  document: z.custom<JsonObject>((value) => isJsonObject(value)),
});
export type SbomResult = z.infer<typeof SbomResult>;

export const DiffRequest = z.strictObject({
  from: z.string().min(1),
  to: z.string().min(1),
  platform: Platform.optional(),
  /** Compare file systems of images, too: reads their layers. */
  files: z.boolean().default(true),
});
export type DiffRequest = z.input<typeof DiffRequest>;

const Side = z.strictObject({ reference: z.string(), digest: z.string(), kind: Kind, origin: SbomOrigin });
const Package = z.strictObject({ type: z.string(), name: z.string(), version: z.string() });
const Texts = z.strictObject({ added: z.array(z.string()), removed: z.array(z.string()) });
const FileState = z.strictObject({ path: z.string(), size: z.int().optional() });

export const DiffResult = z.strictObject({
  from: Side,
  to: Side,
  /** Nothing differs. */
  same: z.boolean(),
  packages: z.strictObject({
    added: z.array(Package),
    removed: z.array(Package),
    changed: z.array(
      z.strictObject({
        type: z.string(),
        name: z.string(),
        from: z.string(),
        to: z.string(),
        direction: z.enum(["up", "down", "other"]),
      }),
    ),
  }),
  files: z.strictObject({
    added: z.array(FileState),
    removed: z.array(FileState),
    changed: z.array(FileState),
    /** False when they were not looked at, or not all of them. */
    complete: z.boolean(),
  }),
  licences: Texts,
  tools: Texts,
  permissions: Texts,
  /** Of models: what their cards say. Of servers and agents: how they start, which models and agents they use. */
  facts: z.array(z.strictObject({ name: z.string(), from: z.string().optional(), to: z.string().optional() })),
  /** Of locks: what they pin. */
  members: z.array(z.strictObject({ name: z.string(), from: z.string().optional(), to: z.string().optional() })),
});
export type DiffResult = z.infer<typeof DiffResult>;

export const SbomConfig = z.strictObject({
  onPull: z
    .boolean()
    .default(false)
    .describe(
      "Make a bill of materials for each artifact that is pulled or imported without one, and sign it with this daemon's key",
    ),
});
