// Makes a container by podman's own API, which can do one thing that the Docker-compatible one cannot: give a container
// of root's podman a user namespace without any set-up (libpod API 4, ContainerCreateLibpod).
import { request } from "node:http";
import type Docker from "dockerode";
import { readBounded } from "@pratique/core";
import type { EngineAddress } from "./engine-connection.ts";

/** Users inside from 0 on are these outside: above what systemd and distributions give away, below 2^31 (systemd, UIDS-GIDS). */
const FIRST_ID = 1_879_048_192;
const IDS = 65_536;
const CPU_PERIOD_US = 100_000;
const ANSWER_LIMIT = 1024 * 1024;

interface IdMap {
  readonly container_id: number;
  readonly host_id: number;
  readonly size: number;
}

/** @param kept id that stays the same outside, since directories of its owner are mounted */
export function idMap(kept?: number): IdMap[] {
  const range = (from: number, to: number): IdMap[] =>
    to > from ? [{ container_id: from, host_id: FIRST_ID + from, size: to - from }] : [];
  if (kept === undefined || kept <= 0 || kept >= IDS) return range(0, IDS);
  return [...range(0, kept), { container_id: kept, host_id: kept, size: 1 }, ...range(kept + 1, IDS)];
}

/** The same container as the options of the Docker-compatible API describe, in a user namespace. Pure. */
export function podmanSpec(options: Docker.ContainerCreateOptions): object {
  const { HostConfig = {} } = options;
  const [uid, gid] = keptIds(options);
  const tmpfs = Object.entries(HostConfig.Tmpfs ?? {}).map(([destination, mode]) => ({
    destination,
    type: "tmpfs",
    source: "tmpfs",
    options: String(mode).split(","),
  }));
  const binds = (HostConfig.Mounts ?? []).map(({ Source, Target, ReadOnly }) => ({
    destination: Target,
    type: "bind",
    source: Source,
    options: [ReadOnly === true ? "ro" : "rw", "rprivate", "nosuid", "nodev", "rbind"],
  }));
  return {
    name: options.name,
    image: options.Image,
    ...(options.Entrypoint === undefined ? {} : { entrypoint: options.Entrypoint }),
    ...(options.Cmd === undefined ? {} : { command: options.Cmd }),
    env: Object.fromEntries((options.Env ?? []).map(splitAtEquals)),
    user: options.User,
    labels: options.Labels,
    stdin: true,
    terminal: false,
    remove: HostConfig.AutoRemove,
    read_only_filesystem: HostConfig.ReadonlyRootfs,
    cap_drop: HostConfig.CapDrop,
    no_new_privileges: true,
    netns: { nsmode: "none" },
    ipcns: { nsmode: "private" },
    userns: { nsmode: "private" },
    idmappings: { HostUIDMapping: false, HostGIDMapping: false, UIDMap: idMap(uid), GIDMap: idMap(gid) },
    mounts: [...tmpfs, ...binds],
    image_volume_mode: "ignore",
    healthconfig: options.Healthcheck,
    shm_size: HostConfig.ShmSize,
    resource_limits: {
      memory: { limit: HostConfig.Memory, swap: HostConfig.MemorySwap },
      pids: { limit: HostConfig.PidsLimit },
      cpu: { period: CPU_PERIOD_US, quota: Math.round(((HostConfig.NanoCpus ?? 0) / 1e9) * CPU_PERIOD_US) },
    },
    r_limits: (HostConfig.Ulimits ?? []).map(({ Name, Soft, Hard }) => ({
      type: String(Name).toUpperCase(),
      soft: Soft,
      hard: Hard,
    })),
    hostadd: HostConfig.ExtraHosts ?? [],
    sysctl: HostConfig.Sysctls ?? {},
    log_configuration: { driver: "none" },
  };
}

/** Creates it; returns its id. @throws what the engine said */
export async function podmanCreate(
  address: EngineAddress,
  options: Docker.ContainerCreateOptions,
  signal: AbortSignal,
): Promise<string> {
  const body = Buffer.from(JSON.stringify(podmanSpec(options)));
  const { status, text } = await new Promise<{ status: number; text: string }>((resolve, reject) => {
    const asking = request({
      ...address,
      method: "POST",
      path: "/v4.0.0/libpod/containers/create",
      headers: { "content-type": "application/json", "content-length": body.length },
      agent: false,
      signal,
    });
    asking.once("error", reject);
    asking.once("response", (response) => {
      readBounded(response, ANSWER_LIMIT, "the engine's answer").then(
        (bytes) => resolve({ status: response.statusCode ?? 0, text: Buffer.from(bytes).toString("utf8") }),
        reject,
      );
    });
    asking.end(body);
  });
  const answer: unknown = JSON.parse(text);
  if (status === 201 && typeof answer === "object" && answer !== null && "Id" in answer) return String(answer.Id);
  const isSaid = typeof answer === "object" && answer !== null && "cause" in answer && "message" in answer;
  throw new Error(isSaid ? String(answer.message) : `the engine answered ${status}`);
}

/** Ids of a user that the caller chose by number, when something of the host is mounted for it. */
function keptIds({ User = "", HostConfig = {} }: Docker.ContainerCreateOptions): [number?, number?] {
  // One mount is our own.
  if ((HostConfig.Mounts?.length ?? 0) < 2) return [];
  const [, uid, gid] = /^(\d+)(?::(\d+))?$/.exec(User) ?? [];
  return uid === undefined ? [] : [Number(uid), Number(gid ?? uid)];
}

function splitAtEquals(entry: string): [string, string] {
  const at = entry.indexOf("=");
  return [entry.slice(0, at), entry.slice(at + 1)];
}
