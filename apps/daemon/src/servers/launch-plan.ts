// What it takes to run one server: from its entry or from the configuration. Pure.
import type { EntrySecret, ServerEntry } from "@pratique/contracts";
import type { ServerDefinition } from "@pratique/gateway";
import { AllowList, parseHostPort } from "@pratique/sandbox";
import { daemonErrors } from "../errors.ts";

export interface PlannedPort {
  readonly type: "streamable-http" | "sse";
  readonly port: number;
  readonly path: string;
}

export interface LaunchPlan {
  /** Arguments after what starts the image; they replace its own. */
  readonly args?: readonly string[];
  readonly user?: string;
  readonly env: Readonly<Record<string, string>>;
  /** `name` is the one in the store. */
  readonly secrets: readonly EntrySecret[];
  /** `/host:/inside[:ro|:rw]` */
  readonly volumes: readonly string[];
  readonly hosts: readonly string[];
  readonly writable: ServerEntry["writable"];
  readonly limits: ServerEntry["limits"];
  /** Absent: as its image says. */
  readonly talk?: "stdio" | PlannedPort;
  readonly life: Pick<ServerDefinition, "scope" | "life" | "idleStopMs">;
}

/** What the configuration, or whoever places a server, may say beside its entry. */
export interface PlanOverrides {
  readonly env?: Readonly<Record<string, string>>;
  /** Secrets of the entry by their own name: the name in the store. */
  readonly secrets?: Readonly<Record<string, string>>;
  /** Only hosts that the entry names too. */
  readonly network?: readonly string[] | undefined;
  readonly scope?: ServerEntry["scope"] | undefined;
  readonly life?: ServerEntry["life"] | undefined;
  readonly idleStopSeconds?: number | undefined;
}

export type PlannedEntry = Pick<
  ServerEntry,
  | "name"
  | "image"
  | "env"
  | "secrets"
  | "volumes"
  | "network"
  | "writable"
  | "limits"
  | "scope"
  | "life"
  | "idleStopSeconds"
> & {
  readonly transport?: ServerEntry["transport"] | undefined;
  /** With its values filled in. */
  readonly command?: readonly string[] | undefined;
};

/** @throws `server.network-wider`, `server.unknown-secret`, `egress.host-invalid` */
export function planLaunch(entry: PlannedEntry, overrides: PlanOverrides = {}): LaunchPlan {
  const { image, transport, limits, writable, volumes } = entry;
  const idleStopSeconds = overrides.idleStopSeconds ?? entry.idleStopSeconds;
  return {
    ...(entry.command === undefined ? {} : { args: entry.command }),
    ...(image?.user === undefined ? {} : { user: image.user }),
    env: { ...entry.env, ...overrides.env },
    secrets: renamed(entry, overrides.secrets ?? {}),
    volumes,
    hosts: narrowed(entry, overrides.network),
    writable,
    limits,
    ...(transport === undefined ? {} : { talk: transport.type === "stdio" ? "stdio" : transport }),
    life: {
      scope: overrides.scope ?? entry.scope,
      life: overrides.life ?? entry.life,
      ...(idleStopSeconds === undefined ? {} : { idleStopMs: idleStopSeconds * 1000 }),
    },
  };
}

function renamed({ name, secrets }: PlannedEntry, names: Readonly<Record<string, string>>): EntrySecret[] {
  const unknown = Object.keys(names).find((key) => !secrets.some((secret) => secret.name === key));
  if (unknown !== undefined) throw daemonErrors("server.unknown-secret", { name, secret: unknown });
  return secrets.map((secret) => ({ ...secret, name: names[secret.name] ?? secret.name }));
}

function narrowed({ name, network }: PlannedEntry, wanted: readonly string[] | undefined): readonly string[] {
  const own = new AllowList(network.hosts);
  if (wanted === undefined) return network.hosts;
  const named = new Set(network.hosts);
  for (const host of wanted) {
    const place = parseHostPort(host);
    const isWithin = named.has(host) || (place !== undefined && own.allows(place));
    if (!isWithin) throw daemonErrors("server.network-wider", { name, host });
  }
  return wanted;
}

/** Of an artifact that nobody says more about: no network, no secrets. */
export const NOTHING_NEEDED: LaunchPlan = {
  env: {},
  secrets: [],
  volumes: [],
  hosts: [],
  writable: [],
  limits: {},
  life: {},
};
