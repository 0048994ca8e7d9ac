// What a sandbox is allowed to do, as the engine is told it. Pure, so that a test reads the whole of it.
import type Docker from "dockerode";
import { digestOf } from "@pratique/core";
import type { SandboxSpec } from "../sandbox.ts";
import { GUEST_DIRECTORY, hasSecrets, initArguments, PROXY_ADDRESS, SECRETS_DIRECTORY } from "./guest-files.ts";
import { extraHosts } from "./tunnels.ts";
import type { Ulimit } from "./ulimits.ts";

export const HOME_LABEL = "dev.pratique.home";
export const INSTANCE_LABEL = "dev.pratique.instance";
/** Set by whoever starts one: the digest of the artifact that it is made from. */
export const DIGEST_LABEL = "dev.pratique.digest";

/** How a state directory is called in a label: a digest, since a path may hold what a filter cannot. */
export function homeLabel(home: string): string {
  return digestOf(home).slice(7, 39);
}

/** The user a container gets when its image names none, or root: `nonroot` of the distroless images. */
const NONROOT = "65532:65532";
const TMP_BYTES = 16 * 1024 * 1024;
const OTHER_TMP_BYTES = 1024 * 1024;
const DEFAULT_MEMORY_BYTES = 256 * 1024 * 1024;
const DEFAULT_PIDS = 64;
const DEFAULT_CPUS = 1;

export interface ContainerSurroundings {
  /** Label of the state directory that this sandbox belongs to. */
  readonly home: string;
  /** This process: what carries another instance of the same home is an orphan. */
  readonly instance: string;
  readonly ulimits: readonly Ulimit[];
  readonly runtime?: string | undefined;
  readonly isPodman: boolean;
  /** `mapped`: in a user namespace of its own, by podman's API. */
  readonly userns?: "mapped" | undefined;
  /** The user that the image names. */
  readonly imageUser: string;
  readonly imageEntrypoint?: readonly string[];
  /** Arguments of the image. */
  readonly imageArgs?: readonly string[];
  /** Directory with our first process and socket. Without it, a sandbox has neither network nor secrets nor a port. */
  readonly guestDirectory?: string | undefined;
}

const PROXY = `http://${PROXY_ADDRESS}`;
/** As programs look for a proxy; Node does since 24 when it is told to. */
const PROXY_VARIABLES = {
  HTTP_PROXY: PROXY,
  HTTPS_PROXY: PROXY,
  http_proxy: PROXY,
  https_proxy: PROXY,
  NO_PROXY: "localhost,127.0.0.1,::1",
  no_proxy: "localhost,127.0.0.1,::1",
  NODE_USE_ENV_PROXY: "1",
};

export function containerOptions(spec: SandboxSpec, around: ContainerSurroundings): Docker.ContainerCreateOptions {
  const memory = spec.memoryBytes ?? DEFAULT_MEMORY_BYTES;
  const { network } = spec;
  const { guestDirectory } = around;
  const user = spec.user ?? around.imageUser;
  const env = { ...(network === "none" ? {} : PROXY_VARIABLES), ...spec.env };
  return {
    Image: spec.image,
    ...commandOptions(spec, around),
    Env: Object.entries(env).map(([name, value]) => `${name}=${value}`),
    User: isRoot(user) ? NONROOT : user,
    Labels: { ...spec.labels, [HOME_LABEL]: around.home, [INSTANCE_LABEL]: around.instance },
    // The engine would run an image's own beside our first process, and wake for it.
    Healthcheck: { Test: ["NONE"] },
    Tty: false,
    OpenStdin: true,
    StdinOnce: true,
    AttachStdin: true,
    AttachStdout: true,
    AttachStderr: true,
    HostConfig: {
      AutoRemove: true,
      NetworkMode: "none",
      ReadonlyRootfs: true,
      CapDrop: ["ALL"],
      SecurityOpt: ["no-new-privileges"],
      Privileged: false,
      IpcMode: "private",
      Memory: memory,
      MemorySwap: memory,
      // Our first process is one more.
      PidsLimit: (spec.pids ?? DEFAULT_PIDS) + (guestDirectory === undefined ? 0 : 1),
      NanoCpus: Math.round((spec.cpus ?? DEFAULT_CPUS) * 1e9),
      ShmSize: OTHER_TMP_BYTES,
      // podman mounts /run and /var/tmp as well when the root is read-only: bounded like /tmp.
      Tmpfs: {
        "/tmp": tmpfs(spec.tmpBytes ?? TMP_BYTES, 0o1777, around.isPodman),
        "/var/tmp": tmpfs(OTHER_TMP_BYTES, 0o1777, around.isPodman),
        "/run": tmpfs(OTHER_TMP_BYTES, 0o755, around.isPodman),
        ...(hasSecrets(spec) ? { [SECRETS_DIRECTORY]: tmpfs(OTHER_TMP_BYTES, 0o1777, around.isPodman) } : {}),
        ...Object.fromEntries(
          (spec.writable ?? []).map(({ path, sizeBytes }) => [
            path,
            tmpfs(sizeBytes ?? TMP_BYTES, 0o1777, around.isPodman),
          ]),
        ),
      },
      Mounts: [
        ...(guestDirectory === undefined ? [] : [bind(guestDirectory, GUEST_DIRECTORY, false)]),
        ...(spec.mounts ?? []).map(({ source, target, isWritable }) => bind(source, target, isWritable)),
      ],
      ...(network === "none"
        ? {}
        : {
            ExtraHosts: extraHosts(network),
            // Of its own network, in which it is alone: hosts are found at their own ports.
            Sysctls: { "net.ipv4.ip_unprivileged_port_start": "0" },
          }),
      Ulimits: [...around.ulimits],
      // What a server says is for its client, and belongs in no file of the engine.
      LogConfig: { Type: "none", Config: {} },
      ...(around.runtime === undefined ? {} : { Runtime: around.runtime }),
    },
  };
}

function commandOptions(
  spec: SandboxSpec,
  { guestDirectory, imageEntrypoint = [], imageArgs = [] }: ContainerSurroundings,
): Pick<Docker.ContainerCreateOptions, "Entrypoint" | "Cmd"> {
  if (guestDirectory !== undefined) {
    const command = spec.command ?? [...imageEntrypoint, ...(spec.args ?? imageArgs)];
    return { Entrypoint: initArguments(spec), Cmd: [...command] };
  }
  if (spec.command === undefined) return spec.args === undefined ? {} : { Cmd: [...spec.args] };
  return { Entrypoint: spec.command.slice(0, 1), Cmd: spec.command.slice(1) };
}

function bind(source: string, target: string, isWritable: boolean): Docker.MountSettings {
  return {
    Type: "bind",
    Source: source,
    Target: target,
    ReadOnly: !isWritable,
    BindOptions: { Propagation: "rprivate" },
  };
}

/** podman copies the image's directory into a tmpfs, and with it an owner and mode that would keep a user out. */
function tmpfs(bytes: number, mode: number, isPodman: boolean): string {
  return `rw,size=${bytes},nosuid,nodev,noexec,mode=${mode.toString(8)}${isPodman ? ",notmpcopyup" : ""}`;
}

/** True when an image's user is, or may be, root: a name cannot be looked up from outside, but `root` and 0 are plain. */
function isRoot(user: string): boolean {
  const [name = ""] = user.trim().split(":");
  return name === "" || name === "root" || /^0+$/.test(name);
}
