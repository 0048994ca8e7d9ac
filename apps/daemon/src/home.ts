// The state directory: what lies where under $PRATIQUE_HOME.
import type { Stats } from "node:fs";
import { stat } from "node:fs/promises";
import { userInfo } from "node:os";
import { join } from "node:path";
import { ensureDirectory } from "@pratique/store";
import { daemonErrors } from "./errors.ts";

export interface Home {
  readonly directory: string;
  readonly configFile: string;
  readonly databaseFile: string;
  readonly lockFile: string;
  readonly runtimeFile: string;
  readonly keys: string;
  readonly registry: string;
  readonly log: string;
  readonly cache: string;
  /** Sockets and other things that die with the process. Short: a Unix socket path holds 107 bytes. */
  readonly run: string;
}

/** Lays out the state directory, private to its owner. @throws `home.not-writable`, `home.exposed` */
export async function openHome(directory: string): Promise<Home> {
  const home: Home = {
    directory,
    configFile: join(directory, "pratique.yaml"),
    databaseFile: join(directory, "pratique.db"),
    lockFile: join(directory, "daemon.lock"),
    runtimeFile: join(directory, "daemon.json"),
    keys: join(directory, "keys"),
    registry: join(directory, "registry"),
    log: join(directory, "log"),
    cache: join(directory, "cache"),
    run: join(directory, "run"),
  };
  try {
    for (const path of [directory, home.keys, home.registry, home.log, home.cache, home.run])
      await ensureDirectory(path, 0o700);
  } catch (cause) {
    throw daemonErrors("home.not-writable", { home: directory, reason: (cause as Error).message }, { cause });
  }
  // Links are followed: in a directory that is the owner's alone they are the owner's, such as one to a larger disk.
  for (const path of [directory, home.keys, home.log, home.registry, home.cache, home.run])
    refuseShared(path, await stat(path));
  return home;
}

/** Whoever may write here could plant a configuration that names programs, or a key. @throws `home.exposed` */
function refuseShared(path: string, stats: Stats): void {
  const self = userInfo().uid;
  const exposure =
    (stats.mode & 0o022) !== 0
      ? `its mode ${(stats.mode & 0o777).toString(8)} lets others write`
      : self >= 0 && stats.uid !== self
        ? "it belongs to another user"
        : undefined;
  if (exposure !== undefined) throw daemonErrors("home.exposed", { path, reason: exposure });
}
