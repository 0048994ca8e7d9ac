// Traces and figures to an OTLP/HTTP collector. The SDK is loaded only where one is configured.
import { readFile, stat } from "node:fs/promises";
import { resolve } from "node:path";
import type { TelemetryConfig } from "@pratique/contracts";
import { describeError, type Log } from "@pratique/core";
import type { Telemetry } from "@pratique/gateway";
import { daemonErrors } from "../errors.ts";
import type { Home } from "../home.ts";
import { DAEMON_VERSION } from "../version.ts";

const SCOPE = "pratique.gateway";
const METRICS_EVERY_MS = 60_000;
/** A collector that does not answer holds nothing up. */
const EXPORT_TIMEOUT_MS = 5_000;

export interface OpenedTelemetry {
  readonly telemetry: Telemetry;
  /** Sends what is left. */
  close(): Promise<void>;
}

/** Undefined where no collector is configured. @throws `config.invalid` for a token that others can read */
export async function openTelemetry(
  { otlp }: TelemetryConfig,
  home: Home,
  log: Log,
): Promise<OpenedTelemetry | undefined> {
  if (otlp === undefined) return undefined;
  const [core, resources, traces, metrics, traceExport, metricExport] = await Promise.all([
    import("@opentelemetry/core"),
    import("@opentelemetry/resources"),
    import("@opentelemetry/sdk-trace"),
    import("@opentelemetry/sdk-metrics"),
    import("@opentelemetry/exporter-trace-otlp-http"),
    import("@opentelemetry/exporter-metrics-otlp-http"),
  ]);
  const base = otlp.url.replace(/\/+$/, "");
  const token = otlp.tokenFile === undefined ? undefined : await readToken(otlp.tokenFile, home);
  const headers = { ...otlp.headers, ...(token === undefined ? {} : { authorization: `Bearer ${token}` }) };
  const resource = resources.resourceFromAttributes({ "service.name": "pratique", "service.version": DAEMON_VERSION });
  const options = { headers, timeoutMillis: EXPORT_TIMEOUT_MS };
  const tracerProvider = new traces.TracerProvider({
    resource,
    sampler: new traces.ParentBasedSampler({ root: new traces.TraceIdRatioBasedSampler(otlp.sample) }),
    spanProcessors: otlp.traces
      ? [
          new traces.BatchSpanProcessor({
            exporter: new traceExport.OTLPTraceExporter({ ...options, url: `${base}/v1/traces` }),
          }),
        ]
      : [],
  });
  const meterProvider = new metrics.MeterProvider({
    resource,
    readers: otlp.metrics
      ? [
          new metrics.PeriodicExportingMetricReader({
            exporter: new metricExport.OTLPMetricExporter({ ...options, url: `${base}/v1/metrics` }),
            exportIntervalMillis: METRICS_EVERY_MS,
            exportTimeoutMillis: EXPORT_TIMEOUT_MS,
          }),
        ]
      : [],
  });
  const propagator = new core.CompositePropagator({
    propagators: [new core.W3CTraceContextPropagator(), new core.W3CBaggagePropagator()],
  });
  log.info("traces go to a collector", { url: base });
  return {
    telemetry: { tracer: tracerProvider.getTracer(SCOPE), meter: meterProvider.getMeter(SCOPE), propagator },
    close: async () => {
      const ends = await Promise.allSettled([tracerProvider.shutdown(), meterProvider.shutdown()]);
      for (const end of ends)
        if (end.status === "rejected") log.warn("the last traces were not sent", describeError(end.reason));
    },
  };
}

async function readToken(file: string, home: Home): Promise<string> {
  const path = resolve(home.directory, file);
  try {
    if (((await stat(path)).mode & 0o077) !== 0) throw new Error("others can read it; chmod 600");
    return (await readFile(path, "utf8")).trim();
  } catch (cause) {
    const problem = `telemetry.otlp.tokenFile: ${path}: ${(cause as Error).message}`;
    throw daemonErrors("config.invalid", { file: home.configFile, problem }, { cause });
  }
}
