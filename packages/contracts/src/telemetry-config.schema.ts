// Where traces and figures go.
import { z } from "zod";

export const TelemetryConfig = z.strictObject({
  otlp: z
    .strictObject({
      url: z.url().max(2000).describe("Address of an OTLP/HTTP collector, without `/v1/traces`"),
      headers: z
        .record(z.string().max(200), z.string().max(4000))
        .default({})
        .describe("Headers for it. A token does not belong here: name a file under `tokenFile`"),
      tokenFile: z.string().max(4000).optional().describe("File with a bearer token for it, mode 0600"),
      traces: z.boolean().default(true).describe("Send one span for each request to the gateway"),
      metrics: z.boolean().default(true).describe("Send how long requests took, every minute"),
      sample: z.number().min(0).max(1).default(1).describe("Part of the traces that begin here and are kept"),
    })
    .optional()
    .describe("Collector of OpenTelemetry; absent: nothing is sent"),
});
export type TelemetryConfig = z.infer<typeof TelemetryConfig>;
