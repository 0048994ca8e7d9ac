// Where a keyless signature comes from: Sigstore's signing config v0.2, as far as we use it.
import type { Clock } from "@pratique/core";
import { z } from "zod";
import { keylessErrors } from "./errors.ts";

const Service = z.looseObject({
  url: z.url(),
  majorApiVersion: z.int(),
  validFor: z.looseObject({ start: z.string().optional(), end: z.string().optional() }).optional(),
});
type Service = z.infer<typeof Service>;

const SigningConfigJson = z.looseObject({
  mediaType: z.string().startsWith("application/vnd.dev.sigstore.signingconfig.v0.2"),
  caUrls: z.array(Service).max(32).default([]),
  oidcUrls: z.array(Service).max(32).default([]),
  rekorTlogUrls: z.array(Service).max(32).default([]),
  tsaUrls: z.array(Service).max(32).default([]),
});

/** One of each service. */
export interface SigningServices {
  readonly fulcio: string;
  readonly rekor: string;
  readonly tsa: string;
  /** Where a person may log in, if anywhere. */
  readonly oidc: string | undefined;
}

export const SIGNING_CONFIG_LIMIT_BYTES = 256 * 1024;

/** Reads a signing config and chooses the services that are in force now. @throws `keyless.bad-config` */
export function readSigningConfig(bytes: Uint8Array, clock: Clock): SigningServices {
  if (bytes.length > SIGNING_CONFIG_LIMIT_BYTES)
    throw keylessErrors("keyless.bad-config", { reason: "it is too large" });
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (cause) {
    throw keylessErrors("keyless.bad-config", { reason: "it is not JSON" }, { cause });
  }
  const parsed = SigningConfigJson.safeParse(json);
  if (!parsed.success) {
    const path = parsed.error.issues[0]?.path.join(".") ?? "";
    throw keylessErrors("keyless.bad-config", { reason: `it is no signing config v0.2 (at ${path})` });
  }
  const { caUrls, rekorTlogUrls, tsaUrls, oidcUrls } = parsed.data;
  const now = clock.now().getTime();
  return {
    fulcio: choose(caUrls, 1, now, "certificate authority"),
    rekor: choose(rekorTlogUrls, 2, now, "transparency log of version 2"),
    tsa: choose(tsaUrls, 1, now, "timestamp authority"),
    oidc: newest(oidcUrls, 1, now)?.url,
  };
}

function choose(services: readonly Service[], version: number, now: number, what: string): string {
  const service = newest(services, version, now);
  if (service === undefined) throw keylessErrors("keyless.bad-config", { reason: `it names no ${what} in force` });
  if (!isSafe(service.url)) throw keylessErrors("keyless.bad-config", { reason: `${service.url} is not https` });
  return service.url.replace(/\/+$/, "");
}

/** The one that came into force last, as the format says: several may be valid while one takes over. */
function newest(services: readonly Service[], version: number, now: number): Service | undefined {
  return services
    .filter(({ majorApiVersion, validFor }) => majorApiVersion === version && isInForce(validFor, now))
    .toSorted((one, other) => startOf(other) - startOf(one))[0];
}

function startOf({ validFor }: Service): number {
  return Date.parse(validFor?.start ?? "1970-01-01T00:00:00Z");
}

function isInForce(validFor: Service["validFor"], now: number): boolean {
  const { start, end } = validFor ?? {};
  return (start === undefined || Date.parse(start) <= now) && (end === undefined || now <= Date.parse(end));
}

/** An identity token travels there: https, or this machine. */
function isSafe(url: string): boolean {
  const { protocol, hostname } = new URL(url);
  return protocol === "https:" || /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/.test(hostname);
}
