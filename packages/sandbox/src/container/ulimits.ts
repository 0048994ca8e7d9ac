// Resource limits of a container: never more than this process may hand out (without CAP_SYS_RESOURCE a runtime that is
// asked to raise a hard limit fails with "error setting rlimit").

export interface Ulimit {
  readonly Name: "nofile" | "nproc";
  readonly Soft: number;
  readonly Hard: number;
}

const WANTED = { nofile: 1024, nproc: 1000 } as const;
const ROWS = { nofile: "Max open files", nproc: "Max processes" } as const;

/** Hard limits out of /proc/self/limits; what it does not say is left out. */
export function hardLimits(procLimits: string): { nofile?: number; nproc?: number } {
  const found: { nofile?: number; nproc?: number } = {};
  for (const name of ["nofile", "nproc"] as const) {
    const line = procLimits.split("\n").find((row) => row.startsWith(ROWS[name]));
    const hard = line?.slice(ROWS[name].length).trim().split(/\s+/)[1];
    if (hard !== undefined && /^\d+$/.test(hard)) found[name] = Number(hard);
  }
  return found;
}

/** The limits a container gets. */
export function containerUlimits(hard: { nofile?: number; nproc?: number }): Ulimit[] {
  return (["nofile", "nproc"] as const).map((name) => {
    const limit = Math.min(WANTED[name], hard[name] ?? WANTED[name]);
    return { Name: name, Soft: limit, Hard: limit };
  });
}
