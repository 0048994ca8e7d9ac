// Profiles and tools of the gateway, over the control API.
import { z } from "zod";
import { GatewayProfile, ProfileName } from "./gateway-profile.schema.ts";

export const ProfileSummary = z.strictObject({
  name: z.string(),
  profile: GatewayProfile,
  /** configuration: pratique.yaml; changed: set while the daemon ran, and kept. */
  origin: z.enum(["configuration", "changed"]),
  /** Where clients find it. */
  url: z.string(),
});
export type ProfileSummary = z.infer<typeof ProfileSummary>;

export const ProfileList = z.strictObject({ profiles: z.array(ProfileSummary) });
export type ProfileList = z.infer<typeof ProfileList>;

export const ProfileSetRequest = z.strictObject({ name: ProfileName, profile: GatewayProfile });
export type ProfileSetRequest = z.input<typeof ProfileSetRequest>;

export const ProfileRemoved = z.strictObject({
  name: z.string(),
  /** The configuration has one of that name, which counts again. */
  isConfigured: z.boolean(),
});
export type ProfileRemoved = z.infer<typeof ProfileRemoved>;

const JsonObjectShape = z.record(z.string(), z.json());

export const ToolList = z.strictObject({ tools: z.array(JsonObjectShape) });
export type ToolList = z.infer<typeof ToolList>;

export const ToolCallRequest = z.strictObject({
  profile: z.string().max(1000).optional(),
  name: z.string().max(200),
  arguments: JsonObjectShape.default({}),
});
export type ToolCallRequest = z.input<typeof ToolCallRequest>;

export const ToolCallAnswer = z.strictObject({ result: JsonObjectShape });
export type ToolCallAnswer = z.infer<typeof ToolCallAnswer>;
