// What a container gets of us: a directory with the first process and the host's socket, mounted read-only at /.pratique.
import { chmod, mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { promisify } from "node:util";
import { brotliDecompress } from "node:zlib";
import type { SandboxSecrets, SandboxSpec } from "../sandbox.ts";
import { HostSocket } from "./host-socket.ts";
import { INIT_PROGRAMS } from "./init-program.ts";
import { tunnels } from "./tunnels.ts";

export const GUEST_DIRECTORY = "/.pratique";
export const SECRETS_DIRECTORY = "/run/secrets";
/** Where the proxy listens inside. */
export const PROXY_ADDRESS = "127.0.0.1:3128";

export interface GuestFiles {
  readonly directory: string;
  readonly socket: HostSocket;
  close(): Promise<void>;
}

/** sun_path holds 108 bytes (unix(7)). */
const SOCKET_PATH_LIMIT = 100;
const SOCKET = "host";
const PREFIX = "guest-";

/** @param instance whose directories are ours; those of others are swept */
export async function openGuestFiles(
  runDirectory: string,
  instance: string,
  id: string,
  architecture: "amd64" | "arm64",
  network: SandboxSpec["network"],
): Promise<GuestFiles> {
  const wanted = join(runDirectory, `${PREFIX}${instance.slice(0, 8)}-${id}`, "g");
  const isShort = Buffer.byteLength(join(wanted, SOCKET)) <= SOCKET_PATH_LIMIT;
  // The outer directory is ours alone; the inner one is read by the container's user.
  const directory = isShort ? wanted : join(await mkdtemp(join(tmpdir(), `pratique-${PREFIX}`)), "g");
  if (isShort) await mkdir(dirname(directory), { mode: 0o700 });
  try {
    await mkdir(directory, { mode: 0o755 });
    await chmod(directory, 0o755);
    await writeFile(join(directory, "init"), await initProgram(architecture), { mode: 0o755 });
    await chmod(join(directory, "init"), 0o755);
    const socket = await HostSocket.open(join(directory, SOCKET), network);
    await chmod(join(directory, SOCKET), 0o666);
    return {
      directory,
      socket,
      close: async () => {
        await socket.close();
        await rm(dirname(directory), { recursive: true, force: true });
      },
    };
  } catch (error) {
    await rm(dirname(directory), { recursive: true, force: true });
    throw error;
  }
}

/** Removes what an earlier process left. */
export async function sweepGuestFiles(runDirectory: string, instance: string): Promise<void> {
  const own = `${PREFIX}${instance.slice(0, 8)}-`;
  for (const name of await readdir(runDirectory)) {
    if (!name.startsWith(PREFIX) || name.startsWith(own)) continue;
    await rm(join(runDirectory, basename(name)), { recursive: true, force: true });
  }
}

/** Arguments of the first process, up to the server's own command. */
export function initArguments(spec: SandboxSpec): string[] {
  const { network, port } = spec;
  const listeners =
    network === "none" ? [] : [PROXY_ADDRESS, ...tunnels(network).map(({ address, port }) => `${address}:${port}`)];
  return [
    `${GUEST_DIRECTORY}/init`,
    "-u",
    `${GUEST_DIRECTORY}/${SOCKET}`,
    ...(hasSecrets(spec) ? ["-s"] : []),
    ...listeners.flatMap((listener) => ["-e", listener]),
    ...(port === undefined ? [] : ["-i", String(port)]),
    "--",
  ];
}

export function hasSecrets({ secrets = {} }: SandboxSpec): boolean {
  return Object.keys(secrets.env ?? {}).length + Object.keys(secrets.files ?? {}).length > 0;
}

/** Secrets as guest/init/init.c reads them. */
export function secretBytes({ env = {}, files = {} }: SandboxSecrets): Buffer {
  const records = [
    ...Object.entries(env).map(([name, value]) => secretRecord("e", name, value)),
    ...Object.entries(files).map(([name, value]) => secretRecord("f", name, value)),
  ];
  const size = Buffer.alloc(4);
  size.writeUInt32LE(records.reduce((sum, record) => sum + record.length, 0));
  return Buffer.concat([size, ...records]);
}

function secretRecord(type: "e" | "f", name: string, value: string): Buffer {
  const head = Buffer.alloc(7);
  const [nameBytes, valueBytes] = [Buffer.from(name), Buffer.from(value)];
  head.write(type, 0, "latin1");
  head.writeUInt16LE(nameBytes.length, 1);
  head.writeUInt32LE(valueBytes.length, 3);
  return Buffer.concat([head, nameBytes, valueBytes]);
}

export async function initProgram(architecture: "amd64" | "arm64"): Promise<Buffer> {
  return await promisify(brotliDecompress)(Buffer.from(INIT_PROGRAMS[architecture], "base64"));
}
