// What is installed, what is missing, and the one command that mends it. Changes nothing.
import { stat, statfs } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import type { DoctorCheck, DoctorResult } from "@pratique/contracts";

/** One thing to look at; what it throws becomes the detail of a missing thing. */
export interface DoctorLook {
  readonly name: string;
  /** Says what was found. */
  look(): Promise<string>;
  /** How bad it is when it is not there, and what mends it. */
  readonly otherwise: { readonly state: "warning" | "missing"; readonly mend: string };
}

const LOW_DISK_BYTES = 1024 ** 3;

/** Looks at everything, one after the other; `ok` when nothing that is needed is missing. */
export async function examine(looks: readonly DoctorLook[]): Promise<DoctorResult> {
  const checks: DoctorCheck[] = [];
  for (const { name, look, otherwise } of looks) {
    try {
      checks.push({ name, state: "ok", detail: await look() });
    } catch (error) {
      checks.push({
        name,
        state: otherwise.state,
        detail: error instanceof Error ? error.message : String(error),
        mend: otherwise.mend,
      });
    }
  }
  return { ok: checks.every((check) => check.state !== "missing"), checks };
}

/** Looks that need no daemon: the runtime, the state directory's disk. */
export function basicLooks(home: string): DoctorLook[] {
  return [
    {
      name: "node",
      look: async () => `${process.version} on ${process.platform}-${process.arch}`,
      otherwise: { state: "missing", mend: "npm run setup" },
    },
    {
      name: "disk",
      look: async () => {
        const { bavail, bsize } = await statfs(await nearestDirectory(home));
        const free = bavail * bsize;
        if (free < LOW_DISK_BYTES) throw new Error(`only ${Math.round(free / 1e6)} MB are free under ${home}`);
        return `${Math.round(free / 1e9)} GB free under ${home}`;
      },
      otherwise: { state: "warning", mend: "free space there, or choose another directory with --home" },
    },
  ];
}

/** The look at the container engine, from what a probe said. */
export function containerLook(probe: () => Promise<{ ok: boolean; description: string }>): DoctorLook {
  return {
    name: "container engine",
    look: async () => {
      const result = await probe();
      if (!result.ok) throw new Error(result.description);
      return result.description;
    },
    otherwise: { state: "warning", mend: "sudo apt-get install -y --no-install-recommends podman runc" },
  };
}

/** What containers are confined by, from what one said of itself. */
export function confinementLook(
  probe: () => Promise<{ readonly confined?: { readonly is: string; readonly lacks: readonly string[] } | undefined }>,
): DoctorLook {
  return {
    name: "server isolation",
    look: async () => {
      const { confined } = await probe();
      if (confined === undefined) throw new Error("there is no container engine");
      if (confined.lacks.length > 0) throw new Error(`${confined.is}; ${confined.lacks.join("; ")}`);
      return confined.is;
    },
    otherwise: {
      state: "warning",
      mend: "use podman 4 or newer as root, rootless podman, or Docker with userns-remap, on this machine",
    },
  };
}

/** The look at the model engine. */
export function engineLook(find: () => Promise<{ id: string; version: string }>): DoctorLook {
  return {
    name: "model engine",
    look: async () => {
      const { id, version } = await find();
      return `${id} ${version}`;
    },
    otherwise: { state: "missing", mend: "npm run setup" },
  };
}

/** The directory itself, or the nearest one above it: a state directory is made at the first start. */
async function nearestDirectory(path: string): Promise<string> {
  const full = resolve(path);
  const parent = dirname(full);
  if (parent === full) return full;
  const found = await stat(full).catch(() => undefined);
  return found?.isDirectory() === true ? full : await nearestDirectory(parent);
}
