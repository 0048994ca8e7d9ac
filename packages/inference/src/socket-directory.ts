// A directory of our own for engine sockets: mode 0700, and short enough for a socket path.
import { chmod, mkdir, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Room in `sockaddr_un.sun_path` on every platform (104 on BSD), less the name of a socket. */
const MAX_DIRECTORY_BYTES = 80;

export interface SocketDirectory {
  readonly path: string;
  close(): Promise<void>;
}

/** Makes (or empties) `DIRECTORY/engines`; falls back to a private directory under the system's when that is too long. */
export async function openSocketDirectory(runDirectory: string): Promise<SocketDirectory> {
  const wanted = join(runDirectory, "engines");
  if (Buffer.byteLength(wanted) > MAX_DIRECTORY_BYTES) {
    const path = await mkdtemp(join(tmpdir(), "pratique-engines-")); // 0700 by mkdtemp(3)
    return { path, close: () => rm(path, { recursive: true, force: true }) };
  }
  await mkdir(wanted, { recursive: true, mode: 0o700 });
  await chmod(wanted, 0o700);
  // What a killed process left behind: its engines died with it.
  for (const name of await readdir(wanted)) await rm(join(wanted, name), { recursive: true, force: true });
  return { path: wanted, close: () => rm(wanted, { recursive: true, force: true }) };
}
